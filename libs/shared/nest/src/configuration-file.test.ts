import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfigurationFile } from './configuration-file.ts';
import { ConfigurationError } from './configuration.ts';

function written(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'modelgate-')), 'file.yaml');
  writeFileSync(file, text);
  return file;
}

function problemsOf(file: string): readonly string[] {
  try {
    readConfigurationFile('ACCESS_FILE', file);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

describe('readConfigurationFile', () => {
  it.each([
    ['YAML', 'clients: [one]\n'],
    ['JSON', '{"clients": ["one"]}'],
  ])('reads %s', (_, text) => {
    expect(readConfigurationFile('ACCESS_FILE', written(text))).toEqual({ clients: ['one'] });
  });

  it('says which file cannot be read', () => {
    expect(problemsOf('/no/such/file')).toEqual(['ACCESS_FILE /no/such/file cannot be read']);
  });

  it('says where it is not YAML, and nothing of what is written there', () => {
    const file = written('clients:\n  - secret: "hunter2\n');
    expect(problemsOf(file)).toEqual([expect.stringMatching(/^ACCESS_FILE \S+ is not YAML, see line \d$/)]);
  });

  it('refuses a document that grows when it is read', () => {
    const bomb = `a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n`;
    expect(problemsOf(written(bomb))).toEqual([expect.stringContaining('is not YAML')]);
  });
});
