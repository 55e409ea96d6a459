import './quiet-aws-sdk.ts';

import { CreateStageCommand, IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import { startLocalServices } from './services.ts';

const services = await startLocalServices({ log: (line) => process.stderr.write(`${line}\n`) }).catch(
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
const ivs = new IVSRealTimeClient({
  region: 'us-west-2',
  endpoint: services.stage.url,
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});
const { stage } = await ivs.send(new CreateStageCommand({ name: 'local' }));
const settings = Object.entries(services.environment).map(([name, value]) => `export ${name}=${value}`);
process.stdout.write(`
  What is on the stage   ${services.stage.url}
  GraphQL                ${services.appSync.url}
  S3                     ${services.s3.url}   (bucket assets: the folder assets)
  A stage to begin with  ${stage?.arn}

The settings of a virtual participant that uses them, for another terminal:

${settings.map((line) => `  ${line}`).join('\n')}
  npm run build && npm run server

Ctrl-C ends it.
`);

const stop = async () => {
  await services.close();
  process.exit(0);
};
process.once('SIGINT', stop);
process.once('SIGTERM', stop);
