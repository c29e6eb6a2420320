import fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  absoluteUri,
  ConfigurationError,
  duration,
  issuerUrl,
  loadConfig,
  port,
  wholeNumber,
} from './configuration.ts';

const schema = z.object({
  SERVICE_ISSUER: issuerUrl,
  DATABASE_URL: z.string(),
  CATALOGUE_FILE: z.string().optional(),
  ROTATE_EVERY: duration({ min: 1, max: 3600 }).default(60),
  PORT: port.default(8080),
});
const good = { SERVICE_ISSUER: 'https://tokens.example.com', DATABASE_URL: 'postgresql://user:hunter2@db/x' };
const folder = mkdtempSync(join(tmpdir(), 'modelgate-'));
afterAll(() => rmSync(folder, { recursive: true }));

function problems(environment: Record<string, string | undefined>, of: z.ZodObject = schema): readonly string[] {
  try {
    loadConfig(of, environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
}

describe('loadConfig', () => {
  it('reads settings, fills in defaults and counts an empty variable as absent', () => {
    expect(loadConfig(schema, { ...good, PORT: '', ROTATE_EVERY: '2m' })).toEqual({
      ...good,
      PORT: 8080,
      ROTATE_EVERY: 120,
    });
  });

  it('lists every problem at once and quotes no value', () => {
    const all = problems({ SERVICE_ISSUER: 'http://hunter2.example', ROTATE_EVERY: 'hunter2', PORT: '99999' });
    expect(all.map((problem) => problem.split(/[ :]/, 1)[0]).toSorted()).toEqual([
      'DATABASE_URL',
      'PORT',
      'ROTATE_EVERY',
      'SERVICE_ISSUER',
    ]);
    expect(all.join('\n')).not.toContain('hunter2');
    expect(all.find((problem) => problem.startsWith('DATABASE_URL'))).toContain('DATABASE_URL_FILE');
  });

  it('reads a setting from a file, without the line end', () => {
    const file = join(folder, 'url');
    writeFileSync(file, 'postgresql://from-file/x\n');
    const environment = { SERVICE_ISSUER: good.SERVICE_ISSUER, DATABASE_URL_FILE: file };
    expect(loadConfig(schema, environment).DATABASE_URL).toBe('postgresql://from-file/x');
    expect(problems({ ...good, DATABASE_URL_FILE: file }).join()).toContain('both set');
    expect(problems({ ...environment, DATABASE_URL_FILE: join(folder, 'none') }).join()).toContain('cannot be read');
  });

  it('takes a setting that is a path as it is', () => {
    expect(loadConfig(schema, { ...good, CATALOGUE_FILE: '/no/such' }).CATALOGUE_FILE).toBe('/no/such');
  });
});

describe('a misspelt setting', () => {
  it.each([
    ['ROTATE_EVRY', 'ROTATE_EVERY'],
    ['ROTATE_EVERYY', 'ROTATE_EVERY'],
    ['ROTATE_EVREY', 'ROTATE_EVERY'],
    ['ROTATE-EVERY', 'ROTATE_EVERY'],
    ['rotate_every', 'ROTATE_EVERY'],
    ['CATALOG_FILE', undefined],
    ['CATALOGUE_FLE', 'CATALOGUE_FILE'],
    ['ROTATE_EVERY_FIL', 'ROTATE_EVERY_FILE'],
  ])('%s is refused, naming %s', (typed, meant) => {
    const [problem] = problems({ ...good, [typed]: 'hunter2' });
    expect(problem).toBe(meant && `${typed} is not a setting; did you mean ${meant}?`);
  });

  it('is nothing that a short name or a setting that is there could be taken for', () => {
    expect(
      problems({ ...good, POST: 'x', SORT: 'x', PATH: '/bin', DATABASE_URLS: 'x', ROTATE_EVERY_FILE: '' }),
    ).toEqual([]);
  });

  it('is never a setting itself, however near another one it is', () => {
    const near = z.object({ CLOCK_SKEW: z.string().optional(), CLOCKS_SKEW: z.string().optional() });
    expect(problems({ CLOCK_SKEW: '1s' }, near)).toEqual([]);
  });

  it('is found wherever one character was dropped', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 'ROTATE_EVERY'.length - 1 }), (at) => {
        const typed = 'ROTATE_EVERY'.slice(0, at) + 'ROTATE_EVERY'.slice(at + 1);
        expect(problems({ ...good, [typed]: '1m' })).toHaveLength(1);
      }),
    );
  });
});

describe('setting kinds', () => {
  const accepts = (of: z.ZodType, text: string): boolean => of.safeParse(text).success;

  it.each([
    ['https://tokens.example.com', true],
    ['https://tokens.example.com/tenant', true],
    ['http://127.0.0.1:8080', true],
    ['http://localhost:8080', true],
    ['http://[::1]:8080', true],
    ['http://tokens.example.com', false],
    ['http://localhost.example.com', false],
    ['https://tokens.example.com/', false],
    ['https://tokens.example.com?', false],
    ['https://tokens.example.com#', false],
    ['https://user@tokens.example.com', false],
    ['ftp://tokens.example.com', false],
    ['tokens.example.com', false],
  ])('an issuer is %s: %s', (text, ok) => expect(accepts(issuerUrl, text)).toBe(ok));

  it.each([
    ['0', true],
    ['65535', true],
    ['65536', false],
    ['-1', false],
    ['80a', false],
    ['0x50', false],
    ['', false],
  ])('a port is %s: %s', (text, ok) => expect(accepts(port, text)).toBe(ok));

  it.each([
    ['10s', true],
    ['1m', true],
    ['9s', false],
    ['61s', false],
    ['30', false],
    ['1e1s', false],
  ])('a duration from 10 to 60 seconds is %s: %s', (text, ok) =>
    expect(accepts(duration({ min: 10, max: 60 }), text)).toBe(ok),
  );

  it.each([
    ['1', true],
    ['8', true],
    ['0', false],
    ['9', false],
    ['1.5', false],
    ['1e0', false],
  ])('a whole number from 1 to 8 is %s: %s', (text, ok) => expect(accepts(wholeNumber(1, 8), text)).toBe(ok));

  it.each([
    ['https://models.example.com', true],
    ['urn:example:models', true],
    ['models', false],
    ['https://models.example.com/', false],
    ['https://models.example.com#a', false],
  ])('an audience is %s: %s', (text, ok) => expect(accepts(absoluteUri, text)).toBe(ok));
});
