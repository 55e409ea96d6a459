import { failure } from './failures.ts';
import { World } from './testing/world.ts';

/** Each seed is one schedule; a failing one is printed and can be played alone. */
const SEEDS = Array.from({ length: 200 }, (_, index) => index + 1);
const STEPS = 20;

const EVENTS: ((world: World) => void)[] = [
  (world) => world.record.invite(),
  (world) => world.record.invite(),
  (world) => world.record.invite(),
  (world) => world.record.kick(),
  (world) => world.link.cutAll('lost'),
  (world) => world.link.cutAll('late'),
  (world) => world.reloadPage(),
  (world) => world.crashPage(),
  (world) => world.restartServer(world.record.epoch + 1),
  (world) => world.page?.endAsset(),
  (world) => world.stage.stopMedia(),
  (world) => world.stage.lose(),
  (world) => world.stage.remove('PARTICIPANT_DISCONNECTED'),
  (world) => world.stage.remove('STAGE_DELETED'),
  (world) => {
    world.stage.isReachable = !world.stage.isReachable;
  },
  (world) => {
    world.stage.takesMedia = !world.stage.takesMedia;
  },
  (world) => {
    const expired = failure('TOKEN_EXPIRED', 'The token has expired.');
    world.stage.refusal = world.stage.refusal === null ? expired : null;
  },
];

it('after any schedule of events and cuts all agree, and the participant can be invited again', async () => {
  const violations: string[] = [];
  for (const seed of SEEDS) {
    const world = new World();
    await disturb(world, randomFrom(seed));
    violations.push(...world.violations.map((text) => `seed ${seed}, ${text}`));
  }
  expect(violations).toEqual([]);
}, 60_000);

async function disturb(world: World, random: () => number): Promise<void> {
  for (let step = 0; step < STEPS; step += 1) {
    // Some events follow within a few milliseconds, while messages are in flight, others when all is quiet.
    await world.clock.run(Math.floor(10 ** (random() * 3.5)));
    EVENTS[Math.floor(random() * EVENTS.length)]?.(world);
  }
  world.stage.isReachable = true;
  world.stage.takesMedia = true;
  world.stage.refusal = null;
  if (world.page === null) world.reloadPage();
  world.record.kick();
  await world.settle('available', 60_000);
  world.record.invite();
  await world.settle('published', 10_000);
}

/** The mulberry32 generator: numbers from 0 to 1 that a seed decides. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
