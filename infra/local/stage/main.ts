import { startStage } from './server.ts';

const stage = await startStage({ log: (line) => console.error(line) });
console.log(`Local stage: ${stage.url}`);
process.once('SIGINT', () => void stage.close());
process.once('SIGTERM', () => void stage.close());
