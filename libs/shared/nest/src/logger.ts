import type { LoggerService } from '@nestjs/common';
import { pino, type DestinationStream, type Logger } from 'pino';
import { z } from 'zod';

export type { Logger };

/** Members that are never written, wherever they appear in what is logged. */
const secretMembers = [
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
];

/** The setting of both services that says how much is logged. */
export const logLevel = z
  .enum(['trace', 'debug', 'info', 'warn', 'error'])
  .default('info')
  .describe('What is logged: this and what is worse.');

/** The process's log: one JSON object a line on standard output, times in ISO 8601. */
export function createLogger(app: string, level = 'info', destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { app },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: secretMembers.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** Nest's own messages in the same log; its routine ones at debug. */
export class NestLogger implements LoggerService {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  log(message: unknown): void {
    this.#logger.debug({ nest: true }, String(message));
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.#logger.error({ nest: true, stack: rest.find((part) => typeof part === 'string') }, String(message));
  }

  warn(message: unknown): void {
    this.#logger.warn({ nest: true }, String(message));
  }

  debug(message: unknown): void {
    this.#logger.trace({ nest: true }, String(message));
  }

  verbose(message: unknown): void {
    this.#logger.trace({ nest: true }, String(message));
  }
}

/** Says where a listener really listens; the one line that tells a caller the port where 0 was asked for. */
export function logListening(logger: Logger, url: string, listener = 'http'): void {
  logger.info({ url, listener }, 'listening');
}
