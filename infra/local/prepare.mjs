/**
 * Makes a fresh clone ready: `node infra/local/prepare.mjs [--chromium]`. Says nothing when there is nothing to do.
 *
 * It runs before anything is installed, so it imports no package. Everything goes to standard error: standard output is the program's.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findChromium } from '../../server/chromium/find-chromium.mjs';

/** How long one command may take: a slow line, a small machine. */
const COMMAND_TIMEOUT_MS = 15 * 60_000;

/** How often a running command says how far it is: on a terminal in one line, in a log in lines of their own. */
const PROGRESS_INTERVAL_MS = process.stderr.isTTY ? 200 : 15_000;

/** Its message is for the person at the terminal, who needs no stack. */
export class PrepareError extends Error {
  /** @override */
  name = 'PrepareError';
}

/**
 * Runs a command to its end and shows the title meanwhile.
 *
 * @typedef {(title: string, command: string[], progress?: () => string) => Promise<{code: number, output: string}>} Run
 */

/**
 * What preparing looks at: this machine, or a fake in tests.
 *
 * @typedef {object} Surroundings
 * @property {string} root the folder of the project
 * @property {string} nodeVersion for example `20.19.0`
 * @property {boolean} mayUseApt whether this is root on Debian
 * @property {NodeJS.ProcessEnv} env
 * @property {() => {executablePath: string | undefined, tried: string[]}} find
 * @property {Run} run
 */

/** @type {Surroundings} */
const here = {
  root: join(dirname(fileURLToPath(import.meta.url)), '../..'),
  nodeVersion: process.versions.node,
  mayUseApt: process.getuid?.() === 0 && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get'),
  env: process.env,
  find: findChromium,
  run,
};

/**
 * Checks Node, installs what package-lock.json says where node_modules says something else, and with `chromium` sees to it that there is one.
 *
 * @param {{chromium: boolean}} options
 * @param {Surroundings} [surroundings]
 * @throws {PrepareError} when Node is too old, npm fails, or no Chromium can be had.
 */
export async function prepare({ chromium }, surroundings = here) {
  checkNode(surroundings);
  if (!dependenciesMatch(surroundings.root)) await installDependencies(surroundings);
  if (chromium && !surroundings.find().executablePath) await installChromium(surroundings);
}

/** @param {Surroundings} surroundings */
function checkNode({ root, nodeVersion }) {
  const { engines } = readJson(join(root, 'package.json'));
  const [major = 0, minor = 0] = numbers(engines.node);
  const [ownMajor = 0, ownMinor = 0] = numbers(nodeVersion);
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return;
  throw new PrepareError(
    `Node ${major}.${minor} or newer is needed, this is ${nodeVersion}. Get one from https://nodejs.org/`,
  );
}

/**
 * Whether node_modules holds what package-lock.json says, by the copy of the lock that npm leaves there when it is done. A package that
 * is optional may be missing: it is for another system.
 *
 * @param {string} root
 * @returns {boolean}
 */
function dependenciesMatch(root) {
  const installedLock = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedLock)) return false;
  const { packages: wanted } = readJson(join(root, 'package-lock.json'));
  const { packages: installed } = readJson(installedLock);
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (path === '') return true;
    const found = installed[path];
    return found ? found.version === version && found.integrity === integrity : optional === true;
  });
}

/** @param {Surroundings} surroundings */
async function installDependencies({ root, env, run }) {
  const modules = join(root, 'node_modules');
  const { packages } = readJson(join(root, 'package-lock.json'));
  const names = Object.keys(packages).flatMap((path) => /^node_modules\/([^/]+)/.exec(path)?.[1] ?? []);
  const total = new Set(names).size;
  const npm = env['npm_execpath'] ? [process.execPath, env['npm_execpath']] : ['npm'];
  const { code, output } = await run('Installing dependencies (npm ci)', [...npm, 'ci', '--loglevel=warn'], () => {
    const count = existsSync(modules) ? readdirSync(modules).filter((name) => !name.startsWith('.')).length : 0;
    return `${Math.min(99, Math.floor((100 * count) / total))} %`;
  });
  if (code !== 0) throw new PrepareError(`npm ci failed (exit code ${code}):\n\n${output.trim()}`);
}

/** @param {Surroundings} surroundings */
async function installChromium({ root, env, mayUseApt, find, run }) {
  const { tried } = find();
  // Whoever names a program wants that one: nothing is installed beside it.
  if (env['PUPPETEER_EXECUTABLE_PATH']) throw new PrepareError(noChromium(tried, []));
  const { bin } = readJson(join(root, 'node_modules/puppeteer/package.json'));
  const puppeteer = [process.execPath, join(root, 'node_modules/puppeteer', bin), 'browsers', 'install', 'chrome'];
  const apt = [
    ['apt-get', 'update'],
    ['apt-get', 'install', '-y', '--no-install-recommends', 'chromium'],
  ];
  const ways = [
    ...(mayUseApt ? [{ name: "Debian's package", title: 'Installing Chromium (apt-get)', commands: apt }] : []),
    { name: "Puppeteer's download", title: 'Downloading Chrome (Puppeteer)', commands: [puppeteer] },
  ];
  const failures = [];
  for (const { name, title, commands } of ways) {
    const failure = await firstFailure(commands, title, run);
    const { executablePath } = find();
    const broken = executablePath ? await firstFailure([versionOf(executablePath)], 'Starting it', run) : undefined;
    if (executablePath && !broken) return;
    failures.push(`${name}: ${failure ?? broken ?? 'installed, but not found afterwards'}`);
  }
  throw new PrepareError(noChromium(tried, failures));
}

/**
 * A download may lack libraries of the system, which only its start shows. On Windows, where nothing can be lacking, Chrome would open a
 * window instead of printing its version.
 *
 * @param {string} executablePath
 */
function versionOf(executablePath) {
  return process.platform === 'win32' ? [process.execPath, '--version'] : [executablePath, '--version'];
}

/**
 * @param {string[][]} commands
 * @param {string} title
 * @param {Run} run
 * @returns {Promise<string | undefined>}
 */
async function firstFailure(commands, title, run) {
  for (const command of commands) {
    const { code, output } = await run(title, command);
    if (code !== 0) return `exit code ${code}: ${reasonIn(output)}`;
  }
  return undefined;
}

/**
 * The end of what a command said, in one line and without a stack.
 *
 * @param {string} output
 */
function reasonIn(output) {
  const lines = output.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '' && !line.startsWith('at '))
    .slice(-3)
    .join(' / ');
}

/**
 * @param {string[]} tried
 * @param {string[]} failures
 */
function noChromium(tried, failures) {
  return [
    'There is no Chromium here that works.',
    'Looked for:',
    ...tried.map((place) => `  ${place}`),
    ...(failures.length > 0 ? ['Tried to install:', ...failures.map((failure) => `  ${failure}`)] : []),
    'Install Google Chrome or Chromium, or set PUPPETEER_EXECUTABLE_PATH to the program of one, and run this again.',
  ].join('\n');
}

/** @type {Run} */
async function run(title, [program = '', ...args], progress = () => '') {
  const startedAt = performance.now();
  const seconds = () => `${Math.round((performance.now() - startedAt) / 1_000)} s`;
  const line = process.stderr.isTTY ? { start: '\r\x1b[2K', end: '' } : { start: '', end: '\n' };
  const say = (/** @type {string} */ text) => process.stderr.write(`${line.start}${title}: ${text}${line.end}`);
  say('...');
  const timer = setInterval(() => say([progress(), seconds()].filter(Boolean).join(', ')), PROGRESS_INTERVAL_MS);
  const child = spawn(program, args, {
    cwd: here.root,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    // On Windows npm is a script, which only a shell starts.
    shell: process.platform === 'win32' && program === 'npm',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: COMMAND_TIMEOUT_MS,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  /** @type {number} */
  const code = await new Promise((resolve) => {
    child.once('error', (error) => {
      output += error.message;
      resolve(127);
    });
    child.once('close', (exitCode) => resolve(exitCode ?? 1));
  });
  clearInterval(timer);
  say(`${code === 0 ? 'done' : 'failed'}, ${seconds()}`);
  if (process.stderr.isTTY) process.stderr.write('\n');
  return { code, output };
}

/** @param {string} path */
function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** @param {string} version */
function numbers(version) {
  return (version.match(/\d+/g) ?? []).map(Number);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await prepare({ chromium: process.argv.includes('--chromium') }).catch((error) => {
    console.error(error instanceof PrepareError ? `\n${error.message}` : error);
    process.exitCode = 1;
  });
}
