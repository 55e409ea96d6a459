import { readDockerfile } from './dockerfile.ts';

describe('What the task takes from the Dockerfile', () => {
  it('is every VOLUME and the command of HEALTHCHECK, over several lines and stages', () => {
    const text = [
      'FROM debian AS participant',
      '# VOLUME /not/this',
      'VOLUME /var/cache/a /tmp',
      'HEALTHCHECK --interval=30s CMD \\',
      '  ["env", "node", "-e", "1"]',
      'FROM participant AS verify',
      'HEALTHCHECK NONE',
      'FROM participant',
    ].join('\n');
    expect(readDockerfile(text)).toEqual({
      volumes: ['/var/cache/a', '/tmp'],
      healthCheck: ['env', 'node', '-e', '1'],
    });
  });

  it('is there: /tmp is written, and /livez is asked', () => {
    const { volumes, healthCheck } = readDockerfile();
    expect(volumes).toContain('/tmp');
    expect(healthCheck.join(' ')).toContain('/livez');
  });

  it.each([
    ['HEALTHCHECK CMD ["a"]', 'The Dockerfile has no VOLUME; expected one, as VOLUME /path /path.'],
    [
      'VOLUME /tmp\nHEALTHCHECK NONE',
      'The Dockerfile has 0 HEALTHCHECKs; expected one, as CMD ["program", "argument"].',
    ],
  ])('%j is refused with what was expected', (text, message) => {
    expect(() => readDockerfile(text)).toThrow(new Error(message));
  });
});
