import type { VpStatus } from '../../../machines/status.ts';
import type { VpRecord } from '../../../server/appsync/record.ts';
import { type UploadedAsset, uploadTestCard } from './asset.ts';
import { CheckFailedError, type CheckOptions, type Checks, messageOf, until } from './checks.ts';
import { Control, type Invite } from './control.ts';
import type { Options, Target } from './options.ts';
import { readOutputs } from './outputs.ts';
import { describePool, Pool, type PoolState } from './pool.ts';
import { SmokeStage } from './stage.ts';

/** What every part works with. */
interface Deployment {
  readonly checks: Checks;
  readonly control: Control;
  readonly stage: SmokeStage;
  readonly pool: Pool | null;
}

/** What is undone at the end, the last first, whatever happened. */
type CleanUp = { what: string; run: () => Promise<unknown> }[];

const LOGS = "the log group of the service: what the task says of this invite (field 'epoch')";

/** Does all checks, each printed as it ends, and cleans up. Where one fails, what builds on it is left out. */
export async function runSmoke(options: Options, checks: Checks, warn: (line: string) => void): Promise<void> {
  const cleanUp: CleanUp = [];
  try {
    const target = await targetOf(options, checks);
    const deployment = await prepare(target, options, checks, cleanUp);
    await part(() => checkInvite(deployment));
    await part(() => checkAsset(deployment, target, options, cleanUp));
    await part(() => checkWrongStage(deployment, options));
    await part(() => checkStranger(deployment, target, options));
  } catch (error) {
    if (!(error instanceof CheckFailedError) && !checks.isInterrupted) throw error;
  } finally {
    for (const { what, run } of cleanUp.reverse()) {
      await run().catch((error: unknown) => warn(`Not cleaned up: ${what}: ${messageOf(error)}`));
    }
  }
}

/** A part that fails has said so; the next one does not depend on it. */
async function part(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof CheckFailedError)) throw error;
  }
}

async function targetOf({ target, stack, region }: Options, checks: Checks): Promise<Target> {
  if (target !== null) return target;
  const hint = `whether "${stack}" is deployed in ${region}, and your credentials (cloudformation:DescribeStacks)`;
  return checks.run('stack outputs', { withinMs: 15_000, hint }, ({ signal }) => readOutputs(stack, region, signal));
}

async function prepare(target: Target, options: Options, checks: Checks, cleanUp: CleanUp): Promise<Deployment> {
  const control = new Control(target, options.callerRole);
  cleanUp.push({ what: 'the GraphQL client', run: () => control.close() });
  const pool = options.skipPool || target.service === null ? null : new Pool(target.region, target.service);
  cleanUp.push({ what: 'the ECS client', run: async () => pool?.close() });

  const policy = "whether you have the stack's CallerPolicyArn (appsync:GraphQL), and the log of the GraphQL API";
  await checks.run('subscription is acknowledged', { withinMs: 20_000, hint: policy }, () => control.watch());
  await checks.run(
    'a virtual participant is AVAILABLE',
    {
      withinMs: options.availableWithinMs,
      hint: "the events of the ECS service, the task's stopped reason, and the log group of the service",
    },
    (attempt) =>
      until(
        attempt,
        async () => {
          const records = await control.list();
          const told = records.map(({ id, status, alive }) => `${id} ${status}${alive ? '' : ' (not heard for 30 s)'}`);
          const service = pool === null ? '' : `; ${describePool(await pool.read())}`;
          attempt.note(`${told.join(', ') || 'nobody ever registered'}${service}`);
          return records;
        },
        (records) => records.some(({ status, alive }) => status === 'AVAILABLE' && alive),
      ),
  );
  const { stageArn } = options;
  const stage = await checks.run(
    stageArn === null ? 'stage created' : 'stage is there',
    { withinMs: 15_000, hint: 'your permissions (ivs:CreateStage, ivs:GetStage) and the quota of stages' },
    ({ signal }) =>
      stageArn === null ? SmokeStage.create(target.region, signal) : SmokeStage.find(target.region, stageArn, signal),
  );
  cleanUp.push({ what: `the stage ${stage.arn}`, run: () => stage.close() });
  return { checks, control, stage, pool };
}

/** From the invite to the end of its kick, with what IVS and ECS say of it. */
async function checkInvite(deployment: Deployment): Promise<void> {
  const { checks, stage, pool } = deployment;
  const before = pool === null ? null : await readPool(checks, pool);
  let participantId = '';
  const kickedAtMs = await invited(deployment, { stageArn: stage.arn }, async (invite) => {
    participantId = (await untilPublished(deployment, invite, 'invite')).participantId ?? '';
    await checks.run(
      'IVS says that the participant is published',
      { withinMs: 20_000, hint: `aws ivs-realtime list-participants for ${stage.arn}` },
      (attempt) =>
        seenByIvs(attempt, stage, participantId, ({ state, published }) => state === 'CONNECTED' && published),
    );
    if (pool !== null && before !== null) await checkTaken(checks, pool, before);
  });
  await checks.run(
    'kick to IVS saying that the participant has left',
    { withinMs: 15_000, hint: LOGS, sinceMs: kickedAtMs },
    (attempt) => seenByIvs(attempt, stage, participantId, ({ state }) => state === 'DISCONNECTED'),
  );
  if (pool !== null && before !== null) await checkGivenBack(checks, pool, before);
  else checks.skip('task protection and desired count', 'no ECS service');
}

function seenByIvs(
  attempt: Parameters<Parameters<Checks['run']>[2]>[0],
  stage: SmokeStage,
  participantId: string,
  isSo: (seen: { state: string; published: boolean }) => boolean,
) {
  return until(
    attempt,
    async () => {
      const seen = await stage.participant(participantId);
      attempt.note(JSON.stringify(seen));
      return seen;
    },
    (seen) => seen !== null && isSo(seen),
    250,
  );
}

async function readPool(checks: Checks, pool: Pool): Promise<PoolState> {
  const hint = 'your permissions (ecs:DescribeServices, ecs:ListTasks, ecs:GetTaskProtection)';
  return checks.run('ECS service is there', { withinMs: 15_000, hint }, () => pool.read());
}

async function untilPool(
  checks: Checks,
  pool: Pool,
  name: string,
  options: CheckOptions,
  isSo: (state: PoolState) => boolean,
): Promise<void> {
  await checks.run(name, options, (attempt) =>
    until(
      attempt,
      async () => {
        const state = await pool.read();
        attempt.note(describePool(state));
        return state;
      },
      isSo,
    ),
  );
}

async function checkTaken(checks: Checks, pool: Pool, before: PoolState): Promise<void> {
  const protection = 'the log group of the service for "protection", and ecs:UpdateTaskProtection of the task role';
  await untilPool(
    checks,
    pool,
    'its task is protected',
    { withinMs: 30_000, hint: protection },
    (now) => now.protected > before.protected,
  );
  const scaler = "the log group of the pool's function, its event source mapping, and whether maxTasks is reached";
  await untilPool(
    checks,
    pool,
    'desired count rose by its place',
    { withinMs: 60_000, hint: scaler },
    (now) => now.desired > before.desired,
  );
}

async function checkGivenBack(checks: Checks, pool: Pool, before: PoolState): Promise<void> {
  const hint = "the log group of the pool's function; others may have invited meanwhile";
  await untilPool(
    checks,
    pool,
    'protection and desired count are given back',
    { withinMs: 180_000, hint },
    (now) => now.protected <= before.protected && now.desired <= before.desired,
  );
}

async function checkAsset(
  deployment: Deployment,
  { region, assetBucket }: Target,
  { skipAsset }: Options,
  cleanUp: CleanUp,
): Promise<void> {
  const { checks, stage } = deployment;
  if (skipAsset || assetBucket === null) return checks.skip('an asset from S3 is published', 'no bucket');
  const hint = `your permissions for ${assetBucket} (s3:PutObject, s3:DeleteObject)`;
  const asset: UploadedAsset = await checks.run('test card uploaded', { withinMs: 30_000, hint }, () =>
    uploadTestCard(region, assetBucket),
  );
  cleanUp.push({ what: asset.name, run: () => asset.delete() });
  await invited(deployment, { stageArn: stage.arn, assetName: asset.name }, async (invite) => {
    const { source } = await untilPublished(deployment, invite, 'invite with an asset from S3');
    await checks.run('it is the asset that is played', { withinMs: 1_000, hint: LOGS }, async () => {
      if (source !== 'capture') throw new Error(`The source is ${source}; expected capture.`);
    });
  });
}

async function checkWrongStage(deployment: Deployment, { stageArn }: Options): Promise<void> {
  const { checks, control, stage } = deployment;
  const name = 'invite to no stage to ERRORED, STAGE_NOT_FOUND';
  // Tasks that may join one stage only hear of any other that they may not ask for it.
  if (stageArn !== null) return checks.skip(name, 'not with --stage-arn');
  const failed = async (invite: Invite) => {
    const options = { withinMs: 30_000, hint: LOGS, sinceMs: invite.sentAtMs };
    await checks.run(name, options, async (attempt) => {
      const { record } = await control.until(attempt, invite, 'ERRORED');
      if (record.failure?.code === 'STAGE_NOT_FOUND') return;
      throw new Error(`The failure is ${record.failure?.code}: ${record.failure?.message}`);
    });
  };
  await invited(deployment, { stageArn: stage.wrongArn }, failed, 'AVAILABLE again after the failure');
}

async function checkStranger({ checks, control }: Deployment, { apiKey }: Target, { callerRole }: Options) {
  const name = 'register is refused to who is no task';
  // Who may do everything may register too: only by somebody else can this be seen.
  if (apiKey === null && callerRole === null) return checks.skip(name, 'needs --caller-role');
  const hint = 'the directives of registerVirtualParticipant in the deployed schema, and the policies of the caller';
  await checks.run(name, { withinMs: 15_000, hint }, () => control.registerAsStranger());
}

/** Invites whoever is free, and ends that whatever becomes of it. @returns when the kick was sent */
async function invited(
  { checks, control }: Deployment,
  input: Parameters<Control['invite']>[0],
  run: (invite: Invite) => Promise<void>,
  end = 'kick to AVAILABLE',
): Promise<number> {
  const hint = 'what the error type means: infra/resolvers/README.md';
  const invite = await checks.run('invite is taken', { withinMs: 15_000, hint }, () => control.invite(input));
  try {
    await run(invite);
  } catch (error) {
    await control.kick(invite).catch(() => undefined);
    throw error;
  }
  const sinceMs = performance.now();
  await checks.run(end, { withinMs: 15_000, hint: LOGS, sinceMs }, async (attempt) => {
    // Of an invite that has failed it is a success that changes nothing.
    await control.kick(invite);
    await control.until(attempt, invite, 'AVAILABLE');
  });
  return sinceMs;
}

/** Tells the time of each status on the way, from the sending of the invite. */
async function untilPublished({ checks, control }: Deployment, invite: Invite, what: string): Promise<VpRecord> {
  const options = { withinMs: 60_000, hint: LOGS, sinceMs: invite.sentAtMs };
  const heard = (status: VpStatus) =>
    checks.run(`${what} to ${status}`, options, (attempt) => control.until(attempt, invite, status));
  await heard('CONNECTED');
  return (await heard('PUBLISHED')).record;
}
