import { createAppSyncClient } from '../../server/appsync/client.ts';
import { createControlPlane } from '../../server/appsync/control-plane.ts';

/**
 * A process of its own that holds a virtual participant by IAM credentials from its environment, and ends if nothing is
 * left that holds it. By its argument:
 * - `report`: goes online, tells AVAILABLE, closes its control plane;
 * - `start`: closes it 1 s after its start, whatever came of that;
 * - `subscribe`: subscribes without registering, and closes the client after 1 s.
 */
const say = (text: string) => process.stdout.write(`${text}\n`);
const line = (_fields: object, message: string) => say(message);
const [, , task] = process.argv;
const client = createAppSyncClient({
  url: process.env['GRAPHQL_API_URL'] ?? '',
  region: process.env['AWS_REGION'] ?? null,
});

async function close(closing: () => Promise<void>): Promise<void> {
  const startMs = performance.now();
  process.on('exit', () => say(`exit after ${Math.round(performance.now() - startMs)} ms`));
  await closing();
}

if (task === 'subscribe') {
  const document = 'subscription Watch($id: ID!) { onVirtualParticipantChanged(id: $id) { id } }';
  client.subscribe(document, { id: 'vp-process' }, { onReady: () => {}, onDelivery: () => {}, onLost: () => {} });
  setTimeout(() => close(() => client.close()), 1_000);
} else {
  const log = { debug: () => {}, info: line, warn: line, error: line };
  const controlPlane = createControlPlane({ id: 'vp-process', client, isAlive: () => true, log });
  controlPlane.start({
    async onOnline() {
      const report = { status: 'AVAILABLE', epoch: 0, participantId: null, reason: null, failure: null } as const;
      say(`report ${await controlPlane.report(report)}`);
      await close(() => controlPlane.close());
    },
    onOffline: () => {},
    onRecord: () => {},
    onOwnerLost: () => {},
  });
  if (task === 'start') setTimeout(() => close(() => controlPlane.close()), 1_000);
}
