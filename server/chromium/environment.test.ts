import { chromiumEnvironment } from './environment.ts';

describe('chromiumEnvironment', () => {
  it('passes on what a browser needs and nothing that could be a secret', () => {
    const needed = {
      PATH: '/usr/bin',
      HOME: '/home/ada',
      LANG: 'C.UTF-8',
      LC_ALL: 'C',
      TMPDIR: '/tmp',
      TZ: 'UTC',
      DISPLAY: ':0',
    };
    const secrets = {
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 'b',
      AWS_SESSION_TOKEN: 'c',
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/d',
      GRAPHQL_API_KEY: 'e',
      PARTICIPANT_TOKEN: 'f',
      NPM_TOKEN: 'g',
      HTTPS_PROXY: 'http://user:password@proxy',
      MY_PATH: 'h',
      HOMEPAGE: 'i',
    };
    expect(chromiumEnvironment({ ...needed, ...secrets })).toEqual(needed);
  });

  it('knows the variables of Windows in any case', () => {
    const windows = { Path: 'C:\\Windows', SystemRoot: 'C:\\Windows', 'ProgramFiles(x86)': 'C:\\Program Files (x86)' };
    expect(chromiumEnvironment({ ...windows, Secret: 'a' })).toEqual(windows);
  });

  it('adds and replaces what the caller gives', () => {
    expect(chromiumEnvironment({ LANG: 'C' }, { LANG: 'de_DE.UTF-8', LIBVA_DRIVER_NAME: 'iHD' })).toEqual({
      LANG: 'de_DE.UTF-8',
      LIBVA_DRIVER_NAME: 'iHD',
    });
  });
});
