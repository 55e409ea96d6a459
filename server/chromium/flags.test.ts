import { chromiumFlags } from './flags.ts';

const conditions = { headless: true, sandbox: true, smallSharedMemory: false, loopbackIce: false };

function added(change: Partial<typeof conditions>): string[] {
  const before = chromiumFlags(conditions);
  return chromiumFlags({ ...conditions, ...change }).filter((flag) => !before.includes(flag));
}

describe('chromiumFlags', () => {
  it('gives up the sandbox only where it does not work', () => {
    expect(added({ sandbox: false })).toEqual(['--no-sandbox']);
  });

  it('keeps pictures out of a small /dev/shm', () => {
    expect(added({ smallSharedMemory: true })).toEqual(['--disable-dev-shm-usage']);
  });

  it('lets ICE use 127.0.0.1 only when asked', () => {
    expect(added({ loopbackIce: true })).toEqual(['--allow-loopback-in-peer-connection']);
  });

  it('plays sound and shows a window when not headless', () => {
    const withWindow = chromiumFlags({ ...conditions, headless: false });
    expect(chromiumFlags(conditions).filter((flag) => !withWindow.includes(flag))).toEqual([
      '--headless=new',
      '--disable-audio-output',
    ]);
  });

  it('adds disabled features of the caller to its own, since Chromium reads only the last list', () => {
    const [own] = chromiumFlags(conditions).filter((flag) => flag.startsWith('--disable-features='));
    const flags = chromiumFlags(conditions, ['--disable-features=A,B', '--lang=de', '--disable-features=C']);
    expect(flags.filter((flag) => flag.startsWith('--disable-features='))).toEqual([`${own},A,B,C`]);
    expect(flags.at(-1)).toEqual('--lang=de');
  });
});
