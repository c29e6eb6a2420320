/** docs/threats.md says which test tries what; a test that was renamed or is gone is said to exist no longer. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const page = readFileSync(join(root, 'docs', 'threats.md'), 'utf8');
const named = [...page.matchAll(/`([\w./-]+\.ts)` “([^”]+)”/g)].map(([, file = '', title = '']) => ({ file, title }));

describe('docs/threats.md', () => {
  it.each(named)('$file has “$title”', ({ file, title }) => {
    const path = join(root, file);
    expect(existsSync(path) && readFileSync(path, 'utf8').includes(title)).toBe(true);
  });

  it('has every threat and every fault of its kind', () => {
    const rows = new Set(
      [...page.matchAll(/^\|((?: [TGF]\d+)+) +\|/gm)].flatMap(([, ids = '']) => ids.trim().split(' ')),
    );
    const expected = [
      ...Array.from({ length: 18 }, (_, at) => `T${at + 1}`),
      ...Array.from({ length: 21 }, (_, at) => `G${at + 1}`),
      ...'F17 F18 F19 F20 F21 F22 F25'.split(' '),
    ];
    expect(expected.filter((id) => !rows.has(id))).toEqual([]);
  });
});
