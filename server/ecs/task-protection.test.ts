import {
  createTaskProtection,
  LEASE_MINUTES,
  type TaskProtection,
  type TaskProtectionOptions,
} from './task-protection.ts';
import { EcsAgent } from './testing/ecs-agent.ts';

const PROTECT = { ProtectionEnabled: true, ExpiresInMinutes: LEASE_MINUTES };
const END = { ProtectionEnabled: false };
const refusal = (Reason: string) => ({ status: 200, body: { failure: { Arn: 'arn', Detail: null, Reason } } });

let agent: EcsAgent;
let protection: TaskProtection;
let lines: string[];

function create(options: Partial<TaskProtectionOptions> = {}): TaskProtection {
  lines = [];
  const note = (level: string) => (_: object, message: string) => lines.push(`${level} ${message}`);
  const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  protection = createTaskProtection({ agentUrl: agent.environment.ECS_AGENT_URI, log, random: () => 0, ...options });
  return protection;
}

beforeEach(async () => {
  agent = await EcsAgent.start();
});
afterEach(async () => {
  protection.close();
  await agent.close();
});

it('protects a task when it comes into use, and not any more when it is free', async () => {
  create().hold(true);
  protection.hold(true);
  await agent.untilAsked(1);
  expect(agent.isProtected).toBe(true);
  protection.hold(false);
  await agent.untilAsked(2);
  expect([agent.isProtected, agent.asked]).toEqual([false, [PROTECT, END]]);
});

it('asks nothing for a task that was never in use', async () => {
  create().hold(false);
  protection.hold(true);
  await agent.untilAsked(1);
  expect(agent.asked).toEqual([PROTECT]);
});

it('renews a protection before it ends', async () => {
  create({ renewIntervalMs: 20 }).hold(true);
  await agent.untilAsked(3);
  expect(agent.asked.slice(0, 3)).toEqual([PROTECT, PROTECT, PROTECT]);
});

it('tells one thing at a time, and in the end what holds then', async () => {
  create();
  for (const isInUse of [true, false, true, false, true]) protection.hold(isInUse);
  await agent.untilAsked(1);
  protection.hold(false);
  await agent.untilAsked(2);
  expect([agent.isProtected, agent.asked]).toEqual([false, [PROTECT, END]]);
});

it('tries again what is refused, fails or is not answered, and says each of them once', async () => {
  agent.answers.push(refusal('DEPLOYMENT_BLOCKED'), refusal('DEPLOYMENT_BLOCKED'), null);
  create({ timeoutMs: 50 }).hold(true);
  await agent.untilAsked(4);
  protection.hold(false);
  await agent.untilAsked(5);
  expect(agent.asked).toEqual([PROTECT, PROTECT, PROTECT, PROTECT, END]);
  const refused = 'ECS refused to protect this task: DEPLOYMENT_BLOCKED. It is tried again.';
  expect(lines.slice(0, 4)).toEqual([
    `warn ${refused}`,
    `debug ${refused}`,
    'warn ECS could not be asked to protect this task: The operation was aborted due to timeout. It is tried again.',
    'debug ECS protects this task.',
  ]);
});

it('asks a task of no service once, since nothing would stop it', async () => {
  agent.answers.push(refusal('TASK_NOT_VALID'));
  create().hold(true);
  await agent.untilAsked(1);
  protection.hold(false);
  await agent.untilAsked(2);
  expect(agent.asked).toEqual([PROTECT, END]);
  expect(lines[0]).toBe(
    'warn ECS refused to protect this task: TASK_NOT_VALID. It belongs to no service, so nothing would stop it.',
  );
});

it('asks nothing more once it is closed', async () => {
  create({ renewIntervalMs: 1 }).hold(true);
  await agent.untilAsked(1);
  protection.close();
  protection.hold(false);
  create().hold(true);
  await agent.untilAsked(2);
  expect(agent.asked).toEqual([PROTECT, PROTECT]);
});
