import { failure } from './failures.ts';
import type { Cut, Direction } from './testing/link.ts';
import { World } from './testing/world.ts';

interface Scenario {
  /** What happens to a world whose participant is about to become available. */
  play: (world: World) => Promise<void>;
  /** The state of the server in which all are to agree. */
  end: 'available' | 'connected' | 'published' | 'stopped';
  /** What the record says one after another when nothing is cut. */
  history: string;
  /** Within what time they are to agree, whatever is cut. */
  limitMs?: number;
}

const AVAILABLE = 'AVAILABLE 0';
const INVITED = `${AVAILABLE}, INVITED 1`;
const PUBLISHED = `${INVITED}, CONNECTED 1, PUBLISHED 1`;
const AGAIN = 'INVITED 1, CONNECTED 1, PUBLISHED 1';

const expired = failure('TOKEN_EXPIRED', 'The token has expired.');

/** Each state of an invite: how the world gets there, what the record says then, and after the page has reloaded. */
const INTO = {
  preparing: {
    reach: async (world: World) => {
      await world.invite();
      await world.until(() => world.server.state === 'preparing');
    },
    history: INVITED,
    reloaded: 'CONNECTED 1, PUBLISHED 1',
  },
  joining: {
    reach: async (world: World) => {
      await world.invite();
      await world.until(() => world.page?.state === 'joining');
    },
    history: INVITED,
    reloaded: 'CONNECTED 1, PUBLISHED 1',
  },
  connected: {
    reach: async (world: World) => {
      world.stage.takesMedia = false;
      await world.invite();
      await world.until(() => world.record.status === 'CONNECTED');
      world.stage.takesMedia = true;
    },
    history: `${INVITED}, CONNECTED 1`,
    reloaded: AGAIN,
  },
  published: { reach: (world: World) => world.publish(), history: PUBLISHED, reloaded: AGAIN },
  recovering: {
    reach: async (world: World) => {
      await world.publish();
      world.stage.isReachable = false;
      world.stage.lose();
      await world.until(() => world.record.status === 'INVITED');
      world.stage.isReachable = true;
    },
    history: `${PUBLISHED}, CONNECTED 1, INVITED 1`,
    reloaded: 'CONNECTED 1, PUBLISHED 1',
  },
};

const inEachState = Object.entries(INTO).flatMap(([state, { reach, history, reloaded }]): [string, Scenario][] => [
  [
    `a kick while ${state}`,
    {
      play: async (world) => {
        await reach(world);
        world.record.kick();
      },
      end: 'available',
      history: `${history}, KICKED 1, AVAILABLE 1`,
    },
  ],
  [
    `another invite right after a kick while ${state}`,
    {
      play: async (world) => {
        await reach(world);
        world.record.kick();
        await world.publish();
      },
      end: 'published',
      history: `${history}, KICKED 1, AVAILABLE 1, INVITED 2, CONNECTED 2, PUBLISHED 2`,
    },
  ],
  [
    `a page that reloads while ${state}`,
    {
      play: async (world) => {
        await reach(world);
        world.reloadPage();
        await world.until(() => world.page !== null);
      },
      end: 'published',
      history: `${history}, ${reloaded}`,
      // An attempt to join that got no answer is given up after 15 s.
      limitMs: 20_000,
    },
  ],
  [
    `a drain while ${state}`,
    {
      play: async (world) => {
        await reach(world);
        world.server.actor.send({ type: 'drain', reason: 'DRAIN' });
      },
      end: 'stopped',
      history: `${history}, STOPPED 1`,
    },
  ],
]);

const others: Record<string, Scenario> = {
  'an invite': { play: (world) => world.publish(), end: 'published', history: PUBLISHED },
  'an invite that is kicked before the server saw it': {
    play: async (world) => {
      await world.invite();
      world.record.kick();
    },
    end: 'available',
    history: `${INVITED}, KICKED 1, AVAILABLE 1`,
  },
  'a kick that is taken back by another invite while the page still leaves': {
    play: async (world) => {
      await world.publish();
      world.stage.leaveMs = 900;
      world.record.kick();
      await world.invite();
      world.record.kick();
    },
    end: 'available',
    history: `${PUBLISHED}, KICKED 1, AVAILABLE 1, INVITED 2, KICKED 2, AVAILABLE 2`,
  },
  'IVS disconnects the participant': {
    play: async (world) => {
      await world.publish();
      world.stage.remove('PARTICIPANT_DISCONNECTED');
      await world.until(() => world.record.status === 'KICKED');
    },
    end: 'available',
    history: `${PUBLISHED}, CONNECTED 1, KICKED 1, AVAILABLE 1`,
  },
  'IVS deletes the stage before media flow': {
    play: async (world) => {
      await INTO.connected.reach(world);
      world.stage.remove('STAGE_DELETED');
      await world.until(() => world.record.status === 'KICKED');
    },
    end: 'available',
    history: `${INVITED}, CONNECTED 1, KICKED 1, AVAILABLE 1`,
  },
  'a token that the stage refuses': {
    play: async (world) => {
      world.stage.refusal = expired;
      await world.invite();
      await world.until(() => world.record.status === 'ERRORED');
    },
    end: 'available',
    history: `${INVITED}, ERRORED 1, AVAILABLE 1`,
  },
  'media that stop and flow again': {
    play: async (world) => {
      await world.publish();
      world.stage.stopMedia();
    },
    end: 'published',
    history: `${PUBLISHED}, CONNECTED 1, PUBLISHED 1`,
  },
  'a stage that is lost and joined again': {
    play: async (world) => {
      await world.publish();
      world.stage.lose();
    },
    end: 'published',
    history: `${PUBLISHED}, CONNECTED 1, INVITED 1, CONNECTED 1, PUBLISHED 1`,
  },
  'an asset that comes to its end': {
    play: async (world) => {
      await world.publish();
      world.page?.endAsset();
    },
    end: 'available',
    history: `${PUBLISHED}, CONNECTED 1, AVAILABLE 1`,
  },
  'a connection that is gone while the invite is kicked': {
    play: async (world) => {
      await world.publish();
      world.link.cutAll('lost');
      world.record.kick();
    },
    end: 'available',
    history: `${PUBLISHED}, KICKED 1, AVAILABLE 1`,
  },
  'a page that reloads while it is kicked': {
    play: async (world) => {
      await world.publish();
      world.record.kick();
      world.reloadPage();
      await world.until(() => world.page !== null);
    },
    end: 'available',
    history: `${PUBLISHED}, KICKED 1, AVAILABLE 1`,
  },
  'a page that is gone for good': {
    play: async (world) => {
      await world.publish();
      world.crashPage();
      await world.until(() => world.record.status === 'ERRORED', 125_000);
    },
    end: 'available',
    history: `${PUBLISHED}, INVITED 1, ERRORED 1`,
  },
  'a server that comes back with a newer epoch while the page is published': {
    play: async (world) => {
      await world.publish();
      world.restartServer(2);
    },
    end: 'available',
    history: `${PUBLISHED}, AVAILABLE 2`,
  },
  'a server that comes back with an older epoch while the page is published': {
    play: async (world) => {
      await world.publish();
      world.restartServer(0);
    },
    end: 'available',
    history: `${PUBLISHED}, AVAILABLE 0`,
  },
  'a server that comes back with an older epoch and invites at once': {
    play: async (world) => {
      await INTO.published.reach(world);
      world.record.kick();
      await world.publish();
      world.restartServer(0);
      await world.publish();
    },
    end: 'published',
    history: `${PUBLISHED}, KICKED 1, AVAILABLE 1, INVITED 2, CONNECTED 2, PUBLISHED 2, ${PUBLISHED}`,
  },
  'a server that comes back with an older epoch while the page is idle': {
    play: async (world) => {
      await world.publish();
      world.record.kick();
      await world.publish();
      world.record.kick();
      await world.until(() => world.record.status === 'AVAILABLE');
      world.restartServer(0);
      await world.publish();
    },
    end: 'published',
    history: [
      `${PUBLISHED}, KICKED 1, AVAILABLE 1, INVITED 2, CONNECTED 2, PUBLISHED 2, KICKED 2, AVAILABLE 2`,
      PUBLISHED,
    ].join(', '),
  },
  'a stage that cannot be reached': {
    play: async (world) => {
      world.stage.isReachable = false;
      await world.invite();
      await world.until(() => world.record.status === 'ERRORED', 105_000);
    },
    end: 'available',
    history: `${INVITED}, ERRORED 1, AVAILABLE 1`,
  },
};

const DIRECTIONS: Direction[] = ['to server', 'to page'];
const MODES: Cut['mode'][] = ['lost', 'late'];

describe.each([...inEachState, ...Object.entries(others)])('%s', (_, scenario) => {
  it('goes as it should', async () => {
    const world = await played(scenario, null);
    expect(world.violations).toEqual([]);
    expect(world.record.history.join(', ')).toBe(scenario.history);
  });

  it('ends in agreement whichever message the connection is cut after', async () => {
    const { arrived } = (await played(scenario, null)).link;
    const cuts = DIRECTIONS.flatMap((direction) =>
      MODES.flatMap((mode) =>
        Array.from({ length: arrived[direction] }, (_, index) => ({ direction, mode, afterMessages: index + 1 })),
      ),
    );
    const violations: string[] = [];
    for (const cut of cuts) {
      const world = await played(scenario, cut);
      violations.push(...world.violations.map((text) => `${JSON.stringify(cut)}: ${text}`));
    }
    expect(violations).toEqual([]);
  });
});

it('a page that comes back while it is kicked says at once that it is idle, before the backstop sets in', async () => {
  const world = new World();
  await world.publish();
  const kickedAt = world.clock.now();
  world.record.kick();
  world.reloadPage();
  await world.until(() => world.record.status === 'AVAILABLE');
  expect(world.clock.now() - kickedAt).toBeLessThan(500);
});

async function played({ play, end, limitMs = 10_000 }: Scenario, cut: Cut | null): Promise<World> {
  const world = new World(cut);
  try {
    await play(world);
    await world.settle(end, limitMs);
  } catch (error) {
    world.violations.push(String(error));
  }
  return world;
}
