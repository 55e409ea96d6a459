/** Questions to the machine that decide on Chromium's flags. */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { statfs } from 'node:fs/promises';
import { promisify } from 'node:util';

/** How long a question may take before the answer is no. Usual: 5 ms. */
const PROBE_TIMEOUT_MS = 2_000;

/**
 * Whether Chromium's sandbox works here, for the user of this process. Never as root; on Linux when a process may make the namespaces that
 * Chromium makes, its chroot included: without that part the probe is wrong in a container without capabilities. Elsewhere always.
 */
export async function sandboxWorks(): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  if (process.getuid?.() === 0) return false;
  return await promisify(execFile)('unshare', ['-Urpn', '--fork', '--root=/', 'true'], {
    timeout: PROBE_TIMEOUT_MS,
  }).then(
    () => true,
    () => false,
  );
}

/** Whether `/dev/shm` has less than 256 MB free (Docker gives 64 MB in all; a 720p picture takes 1.4 MB, and decoders keep many). */
export async function sharedMemoryIsSmall(): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  return await statfs('/dev/shm').then(
    ({ bavail, bsize }) => bavail * bsize < 256 * 1_024 * 1_024,
    () => true,
  );
}

/**
 * Whether this machine has a route to the world, asked as Chromium asks before it gathers ICE candidates: by connecting a UDP socket
 * to a public address, which looks into the routing table and sends nothing. Without a route Chromium gathers no candidate.
 */
export async function hasRoute(): Promise<boolean> {
  const answers = await Promise.all([canReach('udp4', '8.8.8.8'), canReach('udp6', '2001:4860:4860::8888')]);
  return answers.includes(true);
}

function canReach(type: 'udp4' | 'udp6', address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(type);
    const answer = (reachable: boolean) => {
      socket.close();
      resolve(reachable);
    };
    socket.once('error', () => answer(false));
    socket.once('connect', () => answer(true));
    socket.connect(53, address);
  });
}
