import { DEFAULT_API_KEY, DEFAULT_PORT } from './appsync/server.ts';
import { type Seen, watch } from './demo/control.ts';

const USAGE = `npm run watch -- ID
  Prints each status of a virtual participant as a GraphQL subscriber hears it, from GRAPHQL_API_URL with GRAPHQL_API_KEY.
  Default: the local AppSync, http://127.0.0.1:${DEFAULT_PORT}/graphql`;

const [id, ...more] = process.argv.slice(2);
if (id === undefined || id.startsWith('-') || more.length > 0) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(1);
}
const url = process.env['GRAPHQL_API_URL'] ?? `http://127.0.0.1:${DEFAULT_PORT}/graphql`;
const apiKey = process.env['GRAPHQL_API_KEY'] ?? DEFAULT_API_KEY;

const print = ({ status, epoch, reason, failure, participantId, atMs }: Seen) => {
  const time = new Date(atMs).toISOString().slice(11, 23);
  const why = failure === null ? (reason ?? '') : `${failure.code}: ${failure.message}`;
  process.stdout.write(`${time}  ${(status ?? '–').padEnd(10)} epoch ${epoch}  ${participantId ?? ''}  ${why}\n`);
};
try {
  const control = await watch(url, apiKey, id);
  const present = control.present();
  if (present === null) process.stderr.write(`Nobody was ever registered as "${id}"; waiting.\n`);
  else print(present);
  control.onSeen(print);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
