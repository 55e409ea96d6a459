import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'puppeteer';
import type { ChromiumError } from '../server/chromium/errors.ts';
import { type Chromium, launchChromium } from '../server/chromium/launch.ts';
import { chromiumMemoryBytes } from '../server/chromium/memory.ts';
import { processTree, runningProcesses } from '../server/chromium/processes.ts';

/** Where all profiles of these tests go, so that one left behind is seen. */
let profiles: string;
let chromium: Chromium | undefined;
let server: Server | undefined;

beforeEach(async () => {
  profiles = await mkdtemp(join(tmpdir(), 'e2e-'));
});

afterEach(async () => {
  await chromium?.close();
  chromium = undefined;
  server?.close();
  server = undefined;
  await rm(profiles, { recursive: true });
});

async function pageOf({ browser }: Chromium): Promise<Page> {
  const [page] = await browser.pages();
  return page ?? (await browser.newPage());
}

/** A server with an empty page, until the test ends. */
async function emptyPage(): Promise<string> {
  server = createServer((_request, response) => response.setHeader('content-type', 'text/html').end()).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function stillRunning(pids: readonly number[]): Promise<number[]> {
  return (await runningProcesses()).map(({ pid }) => pid).filter((pid) => pids.includes(pid));
}

async function untilNoneRuns(pids: readonly number[], timeoutMs: number): Promise<number[]> {
  const deadline = performance.now() + timeoutMs;
  while ((await stillRunning(pids)).length > 0 && performance.now() < deadline) await delay(20);
  return await stillRunning(pids);
}

describe('launchChromium', () => {
  it('gives a browser that shows a page, and leaves no process and no profile after close()', async () => {
    chromium = await launchChromium({ temporaryFolder: profiles });
    const page = await pageOf(chromium);
    await page.goto('data:text/html,<title>seen</title>');
    expect(await page.title()).toEqual('seen');
    const pids = await processTree(chromium.pid);
    expect(pids.includes(chromium.pid)).toEqual(process.platform === 'linux');
    await Promise.all([chromium.close(), chromium.close()]);
    expect(await stillRunning(pids)).toEqual([]);
    expect(await readdir(profiles)).toEqual([]);
  });

  it('drives a Chromium that a launcher started, and has it killed and cleaned up at the end', async () => {
    const launcher = join(profiles, 'launcher');
    const script = `#!/bin/sh
      cd ${profiles}
      case $1 in
        start) shift; echo $$ > pid; program=$1; shift; exec "$program" --user-data-dir=${profiles}/profile "$@" ;;
        kill) kill -KILL "-$(cat pid)" ;;
        clean) rm -r profile ;;
      esac`;
    await writeFile(launcher, script, { mode: 0o755 });
    chromium = await launchChromium({ launcher });
    expect(chromium.protection).toEqual({ sandbox: false, secondUser: true, problem: null });
    expect(await (await pageOf(chromium)).evaluate('6 * 7')).toEqual(42);
    expect(await readdir(profiles)).toContain('profile');
    const pids = await processTree(chromium.pid);
    await chromium.close();
    expect(await stillRunning(pids)).toEqual([]);
    expect(await readdir(profiles)).not.toContain('profile');
  });

  it('reports a Chromium that was killed, with its last lines and without tokens, once', async () => {
    chromium = await launchChromium({ temporaryFolder: profiles, args: ['--enable-logging=stderr'] });
    const errors: ChromiumError[] = [];
    const exited = new Promise<void>((resolve) => {
      chromium?.onExit((error) => {
        errors.push(error);
        resolve();
      });
    });
    const page = await pageOf(chromium);
    await page.evaluate(() => console.log('last words eyJhbGciOiJFUzM4NCJ9.eyJqdGkiOiJ4In0.c2ln'));
    const pids = await processTree(chromium.pid);
    process.kill(chromium.pid, 'SIGKILL');
    await exited;
    await chromium.close();
    expect(errors.map(({ code }) => code)).toEqual(['CHROMIUM_EXITED']);
    expect(errors[0]?.message).toMatch(/ ended by SIGKILL\. Its last lines:\n.*last words \(token\)/s);
    expect(await stillRunning(pids)).toEqual([]);
    expect(await readdir(profiles)).toEqual([]);
    chromium.onExit((error) => errors.push(error));
    expect(errors.length).toEqual(2);
  });

  it('does not report an end that was asked for', async () => {
    chromium = await launchChromium({ temporaryFolder: profiles });
    const errors: ChromiumError[] = [];
    chromium.onExit((error) => errors.push(error));
    await chromium.close();
    expect(errors).toEqual([]);
  });

  it('gives ICE candidates of 127.0.0.1 where no other can be had', async () => {
    chromium = await launchChromium({ temporaryFolder: profiles, loopbackIce: true });
    const page = await pageOf(chromium);
    // A page without an origin (about:blank) can have no permission.
    await page.goto(await emptyPage());
    const addresses = await page.evaluate(async () => {
      const connection = new RTCPeerConnection();
      connection.createDataChannel('any');
      const found: (string | null)[] = [];
      const complete = new Promise<void>((resolve) => {
        connection.onicecandidate = ({ candidate }) => (candidate ? found.push(candidate.address) : resolve());
      });
      await connection.setLocalDescription();
      await complete;
      return found;
    });
    expect(addresses).toContain('127.0.0.1');
  });

  it('plays and lets a page capture sound without a sound card', async () => {
    chromium = await launchChromium({ temporaryFolder: profiles });
    const page = await pageOf(chromium);
    const advanced = await page.evaluate(async () => {
      const context = new AudioContext();
      const oscillator = new OscillatorNode(context);
      const analyser = new AnalyserNode(context);
      oscillator.connect(analyser).connect(context.destination);
      oscillator.start();
      const samples = new Float32Array(analyser.fftSize);
      const deadline = performance.now() + 5_000;
      while (samples.every((sample) => sample === 0) && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        analyser.getFloatTimeDomainData(samples);
      }
      return { state: context.state, heard: samples.some((sample) => sample !== 0) };
    });
    expect(advanced).toEqual({ state: 'running', heard: true });
  });

  it('measures its memory on Linux, and nothing of one that has ended', async () => {
    chromium = await launchChromium({ temporaryFolder: profiles });
    const bytes = await chromiumMemoryBytes(chromium.pid);
    await chromium.close();
    // Not a number of bytes but its order: PSS is small while other Chromiums share most of it.
    const measured = bytes !== null && bytes > 10e6 && bytes < 500e6;
    expect(process.platform === 'linux' ? measured : bytes === null).toEqual(true);
    expect(await chromiumMemoryBytes(chromium.pid)).toEqual(null);
  });

  it.each<[NodeJS.Signals, string[]]>([
    ['SIGINT', []],
    ['SIGTERM', []],
    // Nothing can remove the profile then; the processes end because their pipe breaks.
    ['SIGKILL', [expect.stringMatching(/^vp-chromium-/)]],
  ])('leaves no process when its own process ends by %s', async (signal, leftBehind) => {
    const script = `
      const {launchChromium} = await import('./server/chromium/launch.ts');
      const {pid} = await launchChromium({ temporaryFolder: process.argv[1] });
      console.log(pid);
    `;
    const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script, profiles], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(parent.stdout, 'data');
    const pids = await processTree(Number(line));
    parent.kill(signal);
    expect(await once(parent, 'exit')).toEqual([null, signal]);
    expect(await untilNoneRuns(pids, 5_000)).toEqual([]);
    expect(await readdir(profiles)).toEqual(leftBehind);
  });
});
