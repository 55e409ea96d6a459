import { readFile } from 'node:fs/promises';
import { SETTINGS } from './settings.ts';

describe('The README', () => {
  it('lists every setting with its default, in their order, and no other', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const section = /^## Settings\n(.*?)(?=^## |$(?![\s\S]))/ms.exec(readme)?.[1] ?? '';
    const rows = [...section.matchAll(/^\| `([^`]+)` \|\s*(?:`([^`]*)`)?\s*\|/gm)];
    expect(rows.map(([, name, byDefault]) => [name, byDefault ?? null])).toEqual(
      SETTINGS.map(({ name, default: byDefault }) => [name, byDefault]),
    );
  });

  it('tells of each setting what the code says of it', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const missing = SETTINGS.filter(({ meaning }) => !readme.includes(meaning)).map(({ name }) => name);
    expect(missing).toEqual([]);
  });
});
