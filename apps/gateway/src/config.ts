import {
  absoluteUri,
  ConfigurationError,
  duration,
  issuerUrl,
  loadConfig,
  port,
  wholeNumber,
  type Environment,
} from '@modelgate/nest';
import { LimitSyntaxError, parseLimit } from '@modelgate/rate-limit';
import { z } from 'zod';

const limit = z.string().transform((text, context) => {
  try {
    return parseLimit(text);
  } catch (error) {
    if (!(error instanceof LimitSyntaxError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});

const schema = z.object({
  /** Whose tokens are accepted; its metadata says where its keys and feeds are. */
  TOKEN_ISSUER: issuerUrl,
  /** `aud` of the tokens that are accepted. */
  MODEL_AUDIENCE: absoluteUri,
  /** Which models there are, and where each is served. */
  CATALOGUE_FILE: z.string(),
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(8081),
  MANAGEMENT_HOST: z.string().default('127.0.0.1'),
  MANAGEMENT_PORT: port.default(9081),
  FEED_INTERVAL: duration({ min: 1, max: 60 }).default(1),
  /** For tokens whose policy has no limit of its own. */
  DEFAULT_LIMIT: limit.default({ quota: 600, windowSeconds: 60 }),
  MAX_TOKEN_LIFETIME: duration({ min: 10, max: 86_400 }).default(3600),
  CLOCK_SKEW: duration({ max: 300 }).default(30),
  MAX_BODY_BYTES: wholeNumber(1, 2 ** 40).default(64 * 1024 * 1024),
  /** Until the first byte of a model's answer. */
  UPSTREAM_TIMEOUT: duration({ min: 1, max: 86_400 }).default(300),
  /** How long a stopping gateway waits for answers that are on their way. */
  SHUTDOWN_GRACE: duration({ max: 3600 }).default(10),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
});

export type Config = z.output<typeof schema>;

/** @throws ConfigurationError */
export function readConfig(environment: Environment): Config {
  const config = loadConfig(schema, environment);
  if (config.CLOCK_SKEW >= config.MAX_TOKEN_LIFETIME) {
    throw new ConfigurationError(['CLOCK_SKEW must be shorter than MAX_TOKEN_LIFETIME']);
  }
  return config;
}
