import { jest } from '@jest/globals';
import type { SessionInvite, StageCommand } from '../../machines/session.ts';
import { FakeTracks } from '../processor/testing/fake-source.ts';
import { type RunningActor, runActor } from '../testing/run-actor.ts';
import { createStageActor } from './stage-actor.ts';
import type { MediaStats, StageNews } from './stage-port.ts';
import { FakeStage, type FakeStageTiming, type JoinAnswer } from './testing/fake-stage.ts';

const STAGE_ARN = 'arn:aws:ivs:us-east-1:123456789012:stage/abcd';
const TOKEN = `eyJhbGciOiJFUzM4NCJ9.${btoa(JSON.stringify({ resource: STAGE_ARN }))}.c2lnbmF0dXJl`;
const JOINED = { type: 'stage.joined', participantId: 'participant-1', stageArn: STAGE_ARN };
const FLOWING = { type: 'media.flowing' };
const NOT_ALLOWED = {
  type: 'stage.failed',
  failure: {
    code: 'TOKEN_NOT_ALLOWED',
    origin: 'caller',
    retryable: false,
    message: 'The participant token does not allow publishing. Make one with the PUBLISH capability.',
  },
};

interface Stand {
  actor: RunningActor<StageCommand>;
  stage: FakeStage;
  tracks: FakeTracks;
  stats: (MediaStats | null)[];
  news: StageNews[];
}

interface StandOptions {
  invite?: Partial<SessionInvite>;
  join?: JoinAnswer;
  timing?: Partial<FakeStageTiming>;
}

/** Every actor that a test ran, so that it can be seen afterwards that none of them told its token. */
const stands: Stand[] = [];

function stand({ invite, join, timing }: StandOptions = {}): Stand {
  const stage = new FakeStage({ joinMs: 0, firstFrameMs: 100, ...timing });
  if (join !== undefined) stage.answerJoins(join);
  const tracks = new FakeTracks();
  const stats: Stand['stats'] = [];
  const news: Stand['news'] = [];
  const logic = createStageActor({
    port: stage,
    tracks: () => tracks.tracks,
    onStats: (latest) => stats.push(latest),
    onNews: (told) => news.push(told),
  });
  const whole = { epoch: 1, participantToken: TOKEN, stageArn: null, asset: null, ...invite };
  const made = { actor: runActor(logic, { invite: whole }), stage, tracks, stats, news };
  stands.push(made);
  return made;
}

const pass = (timeMs: number) => jest.advanceTimersByTimeAsync(timeMs);

async function published(options?: StandOptions): Promise<Stand> {
  const made = stand(options);
  await pass(0);
  made.actor.send({ type: 'publish' });
  await pass(100);
  return made;
}

beforeEach(() => {
  jest.useFakeTimers();
  stands.length = 0;
});

afterEach(() => {
  expect(stands.flatMap(({ actor }) => actor.events).filter((event) => JSON.stringify(event).includes(TOKEN))).toEqual(
    [],
  );
  for (const { actor } of stands) actor.stop();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

describe('joining', () => {
  it('begins with the actor, with the token of the invite, and publishes nothing by itself', async () => {
    const { stage } = stand();
    await pass(60_000);
    expect(stage.connections.map(({ participantToken, published }) => ({ participantToken, published }))).toEqual([
      { participantToken: TOKEN, published: [] },
    ]);
  });

  it.each<[string, Partial<SessionInvite>, string]>([
    ['of the invite before that of the token', { stageArn: 'arn:aws:ivs:of-the-invite' }, 'arn:aws:ivs:of-the-invite'],
    ['of the token where the invite names none', {}, STAGE_ARN],
    ['"unknown" where the token is opaque', { participantToken: 'opaque' }, 'unknown'],
  ])('tells the stage ARN %s', async (_, invite, stageArn) => {
    const { actor } = stand({ invite });
    await pass(0);
    expect(actor.events).toEqual([{ ...JOINED, stageArn }]);
  });

  it('fails at once when the token does not allow publishing', async () => {
    const { actor } = stand({ join: { participantId: 'participant-1', mayPublish: false } });
    await pass(0);
    expect(actor.events).toEqual([NOT_ALLOWED]);
  });

  it('that hangs says nothing, as the deadline is the machine’s', async () => {
    const { actor } = stand({ join: 'hangs' });
    await pass(3_600_000);
    expect(actor.events).toEqual([]);
  });

  it('that resolves after the actor has left says nothing', async () => {
    const { actor, stage } = stand({ timing: { joinMs: 50 } });
    actor.send({ type: 'leave' });
    await pass(1_000);
    expect([actor.events, stage.latest.leaves]).toEqual([[{ type: 'stage.left' }], 1]);
  });
});

describe('a rejected join', () => {
  const refused = new Error(`Operation failed for ${TOKEN}`);
  const expired: StageNews = { type: 'error', code: 2, category: 'JOIN_ERROR', message: refused.message };
  const told = {
    type: 'stage.failed',
    failure: {
      code: 'TOKEN_EXPIRED',
      origin: 'caller',
      retryable: false,
      message: 'The participant token has expired. Make a new one.',
    },
  };

  it('without news means that the stage was lost, after 100 ms', async () => {
    const { actor } = stand({ join: { refused } });
    await pass(99);
    const at99Ms = [...actor.events];
    await pass(1);
    expect([at99Ms, actor.events]).toEqual([[], [{ type: 'stage.lost', reason: 'JOIN_REJECTED' }]]);
  });

  it('with news before it means what the news said, once', async () => {
    const { actor } = stand({ join: { refused, news: expired } });
    await pass(1_000);
    expect(actor.events).toEqual([told]);
  });

  it('with news within 100 ms after it means what the news said, once', async () => {
    const { actor, stage } = stand({ join: { refused } });
    await pass(99);
    stage.latest.tell(expired);
    await pass(1_000);
    expect(actor.events).toEqual([told]);
  });

  it('with news that means nothing is a lost stage all the same', async () => {
    const { actor } = stand({ join: { refused, news: { type: 'publishState', state: 'not_published' } } });
    await pass(100);
    expect(actor.events).toEqual([{ type: 'stage.lost', reason: 'JOIN_REJECTED' }]);
  });

  it('says nothing when the actor has left before it', async () => {
    const { actor } = stand({ join: { refused }, timing: { joinMs: 50 } });
    actor.send({ type: 'leave' });
    await pass(1_000);
    expect(actor.events).toEqual([{ type: 'stage.left' }]);
  });

  it('says nothing when the actor has been stopped meanwhile', async () => {
    const { actor } = stand({ join: { refused } });
    await pass(50);
    actor.stop();
    await pass(1_000);
    expect(actor.events).toEqual([]);
  });
});

describe('publishing', () => {
  it('gives the stage the tracks of the session and tells once that media flows', async () => {
    const { actor, stage, tracks } = await published();
    await pass(10_000);
    expect([actor.events, stage.latest.published]).toEqual([[JOINED, FLOWING], [tracks.tracks]]);
  });

  it('looks every 50 ms until media flows, then every 500 ms and in a silence every 250 ms, and hands on the figures of each look', async () => {
    const { stage, stats } = await published();
    const looksUntilFlowing = stage.latest.looks;
    await pass(2_000);
    expect([looksUntilFlowing, stage.latest.looks, stats.map((seen) => seen?.framesSent)]).toEqual([
      3,
      8,
      [0, 0, 1, 16, 31, 38, 46, 61],
    ]);
  });

  it('goes on looking after a look that was rejected', async () => {
    const { actor, stage, stats } = stand();
    await pass(0);
    stage.latest.answerLooks(new Error('no statistics'));
    actor.send({ type: 'publish' });
    await pass(100);
    expect([actor.events, stats.map((seen) => seen?.framesSent)]).toEqual([
      [JOINED, FLOWING],
      [undefined, 0, 1],
    ]);
  });

  it('takes a look that gives no answer for 5 s as one that saw nothing', async () => {
    const { actor, stage, stats } = await published();
    stage.latest.answerLooks('hangs');
    await pass(5_499);
    const before = [...actor.events];
    await pass(1);
    expect([before, actor.events, stats.slice(3)]).toEqual([
      [JOINED, FLOWING],
      [JOINED, FLOWING, { type: 'media.stopped', reason: 'STAGE_SILENT' }],
      [null],
    ]);
  });

  it('goes on when a look is answered late with good figures', async () => {
    const { actor, stage } = await published();
    const { stats } = stage.latest;
    stage.latest.stats = async () => {
      stage.latest.stats = stats;
      await new Promise((resolve) => setTimeout(resolve, 4_999));
      return stats.call(stage.latest);
    };
    await pass(60_000);
    expect(actor.events).toEqual([JOINED, FLOWING]);
  });

  it('tells that media has stopped, once, and looks no more until it is told to publish again', async () => {
    const { actor, stage } = await published();
    stage.latest.cutMedia();
    await pass(1_500);
    const looks = stage.latest.looks;
    await pass(60_000);
    expect([actor.events, stage.latest.looks - looks]).toEqual([
      [JOINED, FLOWING, { type: 'media.stopped', reason: 'STAGE_SILENT' }],
      0,
    ]);
  });

  it('again is a publish of the same tracks that is watched anew', async () => {
    const { actor, stage, tracks } = await published();
    stage.latest.cutMedia();
    await pass(1_500);
    actor.send({ type: 'republish' });
    await pass(100);
    expect([actor.events, stage.latest.published, stage.connections.length]).toEqual([
      [JOINED, FLOWING, { type: 'media.stopped', reason: 'STAGE_SILENT' }, FLOWING],
      [tracks.tracks, tracks.tracks],
      1,
    ]);
  });

  it('again in the middle of a wait looks at the new publish alone', async () => {
    const { actor, stage } = await published({ timing: { firstFrameMs: 0 } });
    stage.latest.looks = 0;
    await pass(250);
    actor.send({ type: 'republish' });
    await pass(499);
    expect([stage.latest.looks, actor.events]).toEqual([1, [JOINED, FLOWING, FLOWING]]);
  });

  it('again makes a look that is still awaited say nothing', async () => {
    const { actor, stage, stats } = await published();
    const closed: MediaStats = {
      framesSent: 9,
      bytesSent: 9,
      framesPerSecond: 30,
      packetsReceived: 9,
      dtlsState: 'closed',
    };
    stage.latest.answerLooks(closed);
    jest.advanceTimersByTime(500);
    actor.send({ type: 'republish' });
    await pass(100);
    expect([actor.events, stats.includes(closed)]).toEqual([[JOINED, FLOWING, FLOWING], false]);
  });

  it('that throws ends the actor with its error, and the stage is left', async () => {
    const { actor, stage, tracks } = await published();
    const error = new Error('The track has ended.');
    stage.latest.publish = () => {
      throw error;
    };
    actor.send({ type: 'republish' });
    await pass(60_000);
    expect([actor.events, stage.latest.leaves, stage.latest.published]).toEqual([
      [JOINED, FLOWING, { type: 'xstate.error.actor.actor', actorId: 'actor', error }],
      1,
      [tracks.tracks],
    ]);
  });
});

describe('news of the SDK', () => {
  it('are told to the machine in its own words, and to the listener as they came', async () => {
    const { actor, stage, news } = await published();
    const told: StageNews[] = [
      { type: 'publishState', state: 'errored' },
      { type: 'error', code: 5, category: 'PUBLISH_ERROR', message: 'canceled' },
      { type: 'left', reason: 'stage-deleted' },
    ];
    for (const one of told) stage.latest.tell(one);
    expect([actor.events.slice(2), news]).toEqual([
      [
        { type: 'media.stopped', reason: 'PUBLISH_ERRORED' },
        { type: 'stage.removed', reason: 'STAGE_DELETED' },
      ],
      told,
    ]);
  });

  it('after leaving are told to the listener alone', async () => {
    const { actor, stage, news } = await published();
    actor.send({ type: 'leave' });
    stage.latest.tell({ type: 'left', reason: 'token-reused' });
    expect([actor.events, news]).toEqual([
      [JOINED, FLOWING, { type: 'stage.left' }],
      [
        { type: 'left', reason: 'user-initiated' },
        { type: 'left', reason: 'token-reused' },
      ],
    ]);
  });
});

describe('leaving', () => {
  it('on command leaves the stage, tells it once and looks no more', async () => {
    const { actor, stage } = await published();
    const { looks } = stage.latest;
    actor.send({ type: 'leave' });
    await pass(60_000);
    expect([actor.events, stage.latest.leaves, stage.latest.looks - looks]).toEqual([
      [JOINED, FLOWING, { type: 'stage.left' }],
      1,
      0,
    ]);
  });

  it('makes a look that is still awaited the last one, and its figures are handed to nobody', async () => {
    const { actor, stage, stats } = await published();
    jest.advanceTimersByTime(500);
    actor.send({ type: 'leave' });
    await pass(60_000);
    expect([stage.latest.looks, stats.length]).toEqual([4, 3]);
  });

  it('happens when the actor is stopped, without a word', async () => {
    const { actor, stage } = await published();
    actor.stop();
    await pass(60_000);
    expect([actor.events, stage.latest.leaves]).toEqual([[JOINED, FLOWING], 1]);
  });

  it('happens once when the actor is stopped after it was told to leave', async () => {
    const { actor, stage } = await published();
    actor.send({ type: 'leave' });
    actor.stop();
    expect(stage.latest.leaves).toBe(1);
  });

  it('happens when the actor is stopped while its join hangs', () => {
    const { actor, stage } = stand({ join: 'hangs' });
    actor.stop();
    expect(stage.latest.leaves).toBe(1);
  });
});
