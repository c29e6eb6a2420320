import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { duration, port } from './configuration.ts';
import { settingsHelp, settingsOf } from './settings.ts';

const schema = z.object({
  ISSUER: z.string().describe('Whose tokens.'),
  PORT: port.default(8080).describe('Where it listens.'),
  TTL: duration().prefault('15m').describe('Of a token.'),
  REDIS_URL: z.string().optional().describe('Where jobs are kept.'),
  ORIGINS: z
    .string()
    .transform((text) => text.split(','))
    .default([])
    .describe('None by default.'),
});

describe('settingsOf', () => {
  it('reads from a schema what has to be set, and what holds otherwise', () => {
    expect(settingsOf(schema)).toEqual([
      { name: 'ISSUER', required: true, description: 'Whose tokens.' },
      { name: 'PORT', required: false, fallback: '8080', description: 'Where it listens.' },
      { name: 'TTL', required: false, fallback: '15m', description: 'Of a token.' },
      { name: 'REDIS_URL', required: false, description: 'Where jobs are kept.' },
      { name: 'ORIGINS', required: false, description: 'None by default.' },
    ]);
  });

  it('is what --help says', () => {
    expect(settingsHelp('gateway', settingsOf(schema))).toBe(
      `gateway takes no arguments. Its settings are environment variables; NAME_FILE reads one from a file.

  ISSUER     Whose tokens. Required.
  PORT       Where it listens. Default: 8080.
  TTL        Of a token. Default: 15m.
  REDIS_URL  Where jobs are kept.
  ORIGINS    None by default.
`,
    );
  });
});

describe('a service that is given arguments', () => {
  const run = (arg: string): ReturnType<typeof spawnSync> => {
    const source = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
    const program = `
      import { runService } from ${source('./run-service.ts')};
      import { z } from 'zod';
      const never = () => { throw new Error('was started'); };
      const settings = z.object({ LOG_LEVEL: z.string().describe('How much.') });
      await runService({ app: 'it', args: ['${arg}'], environment: {}, settings, readConfig: never, start: never });`;
    const flags = ['--conditions=@modelgate/source', '--input-type=module', '-e', program];
    return spawnSync(process.execPath, flags, { encoding: 'utf8', cwd: import.meta.dirname });
  };

  it('explains itself where it is asked to', () => {
    expect(run('--help')).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringContaining('LOG_LEVEL') as string,
    });
  });

  it('starts with none, and ends with 64', () => {
    expect(run('--port=1')).toMatchObject({
      status: 64,
      stdout: '',
      stderr: expect.stringContaining('LOG_LEVEL') as string,
    });
  });
});
