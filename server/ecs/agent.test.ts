import { protectTask, readTaskId } from './agent.ts';
import { EcsAgent } from './testing/ecs-agent.ts';

let agent: EcsAgent;
let url: string;
let metadataUrl: string;

beforeEach(async () => {
  agent = await EcsAgent.start();
  ({ ECS_AGENT_URI: url, ECS_CONTAINER_METADATA_URI_V4: metadataUrl } = agent.environment);
});
afterEach(() => agent.close());

describe('protectTask()', () => {
  it('protects for so many minutes, and ends the protection', async () => {
    expect(await protectTask(url, 60)).toEqual({ kind: 'done' });
    expect(await protectTask(url, null)).toEqual({ kind: 'done' });
    expect(agent.asked).toEqual([{ ProtectionEnabled: true, ExpiresInMinutes: 60 }, { ProtectionEnabled: false }]);
  });

  it('tells the reason for which ECS refuses, which the agent sends with status 200', async () => {
    const failure = { Arn: agent.taskArn, Detail: null, Reason: 'DEPLOYMENT_BLOCKED' };
    agent.answers.push({ status: 200, body: { failure } });
    expect(await protectTask(url, 60)).toEqual({ kind: 'refused', reason: 'DEPLOYMENT_BLOCKED' });
  });

  it('tells the error of a role that may not', async () => {
    const error = { Arn: agent.taskArn, Code: 'AccessDeniedException', Message: 'The role may not.' };
    agent.answers.push({ status: 400, body: { requestID: '1', error } });
    expect(await protectTask(url, 60)).toEqual({ kind: 'failed', reason: 'AccessDeniedException: The role may not.' });
  });

  it.each([
    ['is no JSON', { status: 502, body: 'Bad Gateway' }, /not valid JSON/],
    ['says nothing', { status: 200, body: {} }, /^an answer with status 200 that says nothing$/],
  ])('takes an answer that %s for a failure', async (_, answer, reason) => {
    agent.answers.push(answer);
    expect(await protectTask(url, 60)).toEqual({ kind: 'failed', reason: expect.stringMatching(reason) });
  });

  it('waits no longer than its deadline', async () => {
    agent.answers.push(null);
    expect(await protectTask(url, 60, 50)).toEqual({ kind: 'failed', reason: expect.stringMatching(/timeout/) });
  });

  it('says why an agent cannot be reached', async () => {
    await agent.close();
    expect(await protectTask(url, 60)).toEqual({ kind: 'failed', reason: expect.stringMatching(/ECONNREFUSED/) });
    agent = await EcsAgent.start();
  });
});

describe('readTaskId()', () => {
  it.each([
    'arn:aws:ecs:eu-west-1:123456789012:task/pool/158d1c8083dd49d6b527399fd6414f5c',
    'arn:aws-cn:ecs:cn-north-1:123456789012:task/158d1c8083dd49d6b527399fd6414f5c',
  ])('is the last part of %s', async (arn) => {
    agent.taskArn = arn;
    expect(await readTaskId(metadataUrl, 1_000)).toBe('158d1c8083dd49d6b527399fd6414f5c');
  });

  it.each([
    ['is no ARN of a task', { status: 200, body: { TaskARN: 'arn:aws:ecs:eu-west-1:123456789012:cluster/pool' } }],
    ['is no JSON', { status: 500, body: 'Internal Server Error' }],
    ['does not come', null],
  ])('is null if the answer %s', async (_, answer) => {
    agent.answers.push(answer);
    expect(await readTaskId(metadataUrl, 50)).toBeNull();
  });
});
