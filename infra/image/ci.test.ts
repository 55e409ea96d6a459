import { readdirSync, readFileSync } from 'node:fs';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const WORKFLOWS = '.github/workflows/';
const files = readdirSync(new URL(`../../${WORKFLOWS}`, import.meta.url));
const lines = (file: string) => read(`${WORKFLOWS}${file}`).split('\n');

/** The lines of each job, by its name: what stands two blanks in, below `jobs:`. */
function jobs(file: string): [name: string, lines: string[]][] {
  const found: [string, string[]][] = [];
  for (const line of lines(file).slice(lines(file).indexOf('jobs:') + 1)) {
    const name = /^ {2}(\w+):$/.exec(line)?.[1];
    if (name !== undefined) found.push([name, []]);
    else found.at(-1)?.[1].push(line.trim());
  }
  return found;
}

describe.each(files)('The workflow %s', (file) => {
  it('gives no permission to all of its jobs, and to each only those that it names', () => {
    expect(lines(file)).toContain('permissions: {}');
    const without = jobs(file).filter(([, job]) => !job.includes('permissions:'));
    expect(jobs(file)).not.toEqual([]);
    expect(without).toEqual([]);
  });

  it('may not write anything', () => {
    expect(lines(file).filter((line) => /\bwrite(-all)?\s*$/.test(line))).toEqual([]);
  });

  it('names each action by its commit, with the version beside it', () => {
    const uses = lines(file).filter((line) => /\buses:/.test(line));
    expect(uses).not.toEqual([]);
    expect(uses.filter((line) => !/uses: [\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
  });

  it('leaves no token behind in the checkout', () => {
    const text = lines(file).join('\n');
    const checkouts = text.match(/actions\/checkout@.*\n +with:\n +persist-credentials: false$/gm) ?? [];
    expect(checkouts).toHaveLength((text.match(/actions\/checkout@/g) ?? []).length);
  });

  it('ends each job after a time', () => {
    expect(jobs(file).filter(([, job]) => !job.some((line) => /^timeout-minutes: \d+$/.test(line)))).toEqual([]);
  });
});

describe('The workflow ci.yml', () => {
  const runs = lines('ci.yml').flatMap((line) => /^ +- run: (.+)$/.exec(line)?.[1] ?? []);

  it('runs the commands that the README begins with', () => {
    const section = /^## Two commands\n.*?^```bash\n(.*?)^```/ms.exec(read('README.md'))?.[1] ?? '';
    const commands = section.split('\n').flatMap((line) => /^(npm .+?)\s*#/.exec(line)?.[1] ?? []);
    expect(commands).toHaveLength(2);
    expect(commands.filter((command) => !runs.some((run) => `${run} `.startsWith(`${command} `)))).toEqual([]);
  });

  it('builds the image and verifies it', () => {
    expect(runs).toContain('npm run image:verify -- --json');
  });

  it('tests with the oldest Node that is supported and with that of the image', () => {
    const oldest = /\d+\.\d+/.exec(JSON.parse(read('package.json')).engines.node)?.[0];
    const ofImage = /^ARG NODE=(\d+)$/m.exec(read('Dockerfile'))?.[1];
    expect(lines('ci.yml').map((line) => line.trim())).toContain(`node: ['${oldest}', '${ofImage}']`);
  });
});
