import { describe, expect, it } from 'vitest';
import { createLogger, logListening, NestLogger } from './logger.ts';

function logged(work: (logger: ReturnType<typeof createLogger>) => void, level = 'info'): string {
  let text = '';
  work(createLogger('sample', level, { write: (line: string) => void (text += line) }));
  return text;
}

describe('log', () => {
  it.each([
    'authorization',
    'cookie',
    'token',
    'access_token',
    'subject_token',
    'actor_token',
    'client_secret',
    'client_assertion',
    'password',
    'secret',
  ])('never holds %s, at the top or inside', (name) => {
    const text = logged((logger) => {
      logger.info({ [name]: 'hunter2' });
      logger.info({ request: { [name]: 'hunter2' } });
      logger.info({ request: { headers: { [name]: 'hunter2' } } });
    });
    expect(text).not.toContain('hunter2');
    expect(text.match(/\[redacted\]/g)).toHaveLength(3);
  });

  it('is one JSON object a line, with its level in words and its time in ISO 8601', () => {
    const line = JSON.parse(logged((logger) => logger.warn({ requestId: 'r' }, 'line\nbreak'))) as Record<
      string,
      string
    >;
    expect(line).toMatchObject({ level: 'warn', app: 'sample', requestId: 'r', msg: 'line\nbreak' });
    expect(new Date(line['time'] ?? '').toISOString()).toBe(line['time']);
  });

  it('says where a listener is', () => {
    const line = JSON.parse(logged((logger) => logListening(logger, 'http://127.0.0.1:1234'))) as unknown;
    expect(line).toMatchObject({ msg: 'listening', url: 'http://127.0.0.1:1234', listener: 'http' });
  });

  it('takes what Nest says, and its routine only when asked', () => {
    const speak = (logger: ReturnType<typeof createLogger>): void => {
      const nest = new NestLogger(logger);
      nest.log('routine');
      nest.warn('odd');
      nest.error('broken', 'at somewhere', 'Context');
    };
    expect(logged(speak)).not.toContain('routine');
    expect(logged(speak, 'debug')).toContain('routine');
    expect(logged(speak)).toMatch(/"level":"warn".*odd/);
    expect(logged(speak)).toMatch(/"level":"error".*at somewhere.*broken/);
  });
});
