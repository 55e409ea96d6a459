/**
 * What `npm run jest` runs: without arguments every test, each of Jest's projects in a process of its own. In one process the
 * heap that hundreds of unit tests leave behind has pauses of half a second, in which a whole-system test loses packets.
 * With arguments: Jest with these. The last line is `N passed, M failed`, of all together.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NODE = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
const given = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'jest-counts-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** @type {import('./counts-reporter.mjs').Counts} */
const total = { passed: 0, failed: 0, skipped: 0 };
let exitCode = 0;
/** Unit tests two at a time: none of them has a Chromium, nor a deadline that a neighbour could break. */
const UNIT = ['--selectProjects', 'unit', '--maxWorkers=2', '--workerIdleMemoryLimit=500MB'];
const runs = given.length > 0 ? [given] : [UNIT, ['--selectProjects', 'e2e']];
for (const [index, args] of runs.entries()) {
  const file = join(folder, `${index}.json`);
  const jest = spawn(process.execPath, [...NODE, ...args], {
    stdio: 'inherit',
    env: { ...process.env, JEST_COUNTS: file },
  });
  // Ctrl-C reaches Jest as well, which ends what its tests started; then it is over here too.
  const onSignal = () => {};
  process.on('SIGINT', onSignal);
  const [code, signal] = await new Promise((resolve) => jest.once('close', (...end) => resolve(end)));
  process.off('SIGINT', onSignal);
  exitCode ||= code ?? 1;
  try {
    const counts = JSON.parse(readFileSync(file, 'utf8'));
    for (const kind of /** @type {const} */ (['passed', 'failed', 'skipped'])) total[kind] += counts[kind];
  } catch {
    // Jest ended before it had counted anything, or was asked for something else, such as --help.
    if (exitCode !== 0) total.failed += 1;
  }
  if (signal !== null) break;
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed${skipped}\n`);
process.exitCode = exitCode;
