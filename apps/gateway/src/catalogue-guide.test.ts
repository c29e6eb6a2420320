import { catalogueSchema } from '@modelgate/catalogue';
import { Catalogue } from '@modelgate/protocols';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readCatalogueFile } from './catalogue-file.ts';

const guide = readFileSync(join(import.meta.dirname, '../../../docs/guides/catalogue.md'), 'utf8');
const blocks = [...guide.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, text = '']) => text);

/** Names of members and their possible values, at any depth. */
function words(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(words);
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties, enum: values = [], ...rest } = schema as { properties?: object; enum?: string[] };
  return [...Object.keys(properties ?? {}), ...values, ...words(Object.values({ ...properties, ...rest }))];
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelgate-catalogue-guide-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the guide to the catalogue file', () => {
  it.each(blocks.map((text, at) => [at + 1, text] as const))('has a valid catalogue in block %i', (at, text) => {
    const file = join(folder, `${at}.yaml`);
    writeFileSync(file, text);
    const document = readCatalogueFile(file, false);
    expect(new Catalogue(document).models()).toHaveLength(document.models.length);
  });

  it('has a block for every protocol', () => {
    expect(blocks.length).toBeGreaterThan(4);
    for (const protocol of ['v1', 'v2', 'grpc', 'openai', 'anthropic', 'timeseries', 'graph']) {
      expect(blocks.join()).toMatch(new RegExp(`protocols: \\[.*\\b${protocol}\\b`));
    }
  });

  it('mentions every member of the file and all of its values', () => {
    const known = words(z.toJSONSchema(catalogueSchema, { io: 'input' }));
    expect(known).toContain('replaceFile');
    expect(known).toContain('triton');
    expect(known.filter((word) => !guide.includes(`\`${word}\``))).toEqual([]);
  });
});
