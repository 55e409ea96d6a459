import '../local/quiet-aws-sdk.ts';

import { Checks } from './smoke/checks.ts';
import { type Options, readOptions, USAGE } from './smoke/options.ts';
import { runSmoke } from './smoke/run.ts';

/* What a person with an account runs after a deployment; see smoke/README.md for what it prints. */

if (process.argv.includes('--help')) {
  process.stdout.write(`${USAGE}\n`);
  process.exit(0);
}
let options: Options;
try {
  options = readOptions(process.argv.slice(2), process.env);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}\n`);
  process.exit(2);
}
const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => interrupted.abort(new Error('Interrupted.')));
const checks = new Checks((line) => process.stdout.write(`${line}\n`), interrupted.signal);
await runSmoke(options, checks, (line) => process.stderr.write(`${line}\n`));
process.exit(checks.sum());
