import { spawn } from 'node:child_process';

const OPENERS: Partial<Record<NodeJS.Platform, string>> = { darwin: 'open', win32: 'explorer', linux: 'xdg-open' };

/** Shows a page in the person's browser, where there is a person and a browser; nothing depends on it. */
export function openInBrowser(url: string): void {
  const opener = OPENERS[process.platform];
  if (opener === undefined || !process.stdout.isTTY || process.env['CI']) return;
  const child = spawn(opener, [url], { stdio: 'ignore', detached: true });
  child.once('error', () => {});
  child.unref();
}
