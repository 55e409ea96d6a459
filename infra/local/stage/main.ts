import { parseArgs } from 'node:util';
import { DEFAULT_CONTROL_PORT, DEFAULT_PORT, startStage } from './server.ts';

const HELP = `Usage: npm run stage [-- --port ${DEFAULT_PORT} --control-port ${DEFAULT_CONTROL_PORT}]`;

function portOf(name: string, text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new Error(`--${name}: expected a port from 0 to 65535, got ${text}.`);
  return port;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: String(DEFAULT_PORT) },
      'control-port': { type: 'string', default: String(DEFAULT_CONTROL_PORT) },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const stage = await startStage({
    port: portOf('port', values.port),
    controlPort: portOf('control-port', values['control-port']),
    log: (line) => console.error(line),
  });
  const json = { 'content-type': 'application/json' };
  const created = await fetch(`${stage.url}/CreateStage`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ name: 'local' }),
  });
  const { stage: ready } = (await created.json()) as { stage: { arn: string } };
  console.log(`
  What is on the stage   ${stage.url}/
  AWS SDK and CLI        export AWS_ENDPOINT_URL_IVS_REALTIME=${stage.url} AWS_REGION=us-west-2 \\
                           AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
  Test control           ${stage.controlUrl}/faults
  A stage to begin with  ${ready.arn}

A participant token for it:

  curl -s ${stage.url}/CreateParticipantToken -H 'content-type: application/json' \\
    -d '{"stageArn": "${ready.arn}", "userId": "me"}'

Ctrl-C ends it.
`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stage.close());
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
