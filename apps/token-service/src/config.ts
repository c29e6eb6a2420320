import { checkSchedule, signingAlgs, verifierPresets, type KeySchedule, type VerifierClass } from '@modelgate/keys';
import { DurationError, parseDuration } from '@modelgate/oauth';
import {
  absoluteUri,
  ConfigurationError,
  duration,
  issuerUrl,
  loadConfig,
  port,
  type Environment,
} from '@modelgate/nest';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const migrations = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url));

const verifier = z.string().transform((text, context): VerifierClass => {
  const [name = '', interval] = text.split('=', 2);
  if (interval === undefined && name in verifierPresets) return verifierPresets[name as keyof typeof verifierPresets];
  try {
    if (/^[\w.-]{1,40}$/.test(name) && interval !== undefined) return { name, refreshSeconds: parseDuration(interval) };
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
  }
  context.addIssue({
    code: 'custom',
    message: `is one of ${Object.keys(verifierPresets).join(', ')}, or name=duration`,
  });
  return z.NEVER;
});

/** Comma-separated; `none` is the empty list. */
function list<T>(item: z.ZodType<T, string>) {
  const items: z.ZodType<T[], string[]> = z.array(item);
  return z
    .string()
    .transform((text) => (text === 'none' ? [] : text.split(',').map((part) => part.trim())))
    .pipe(items);
}

const schema = z.object({
  /** `iss` of every token, and the URL everything else is found under. */
  TOKEN_ISSUER: issuerUrl,
  /** `aud` of every token: what the models are called together. */
  MODEL_AUDIENCE: absoluteUri,
  DATABASE_URL: z.string().regex(/^postgres(?:ql)?:\/\//, 'must be a postgresql:// URL'),
  /** Key-encryption keys; made on first start. */
  KEK_FILE: z.string(),
  /** Issuers, clients and policies. */
  ACCESS_FILE: z.string(),
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(8080),
  TOKEN_TTL: duration({ min: 10, max: 3600 }).default(900),
  KEYS_ROTATE_EVERY: duration({ min: 1 }).default(7 * 86_400),
  KEYS_LEAD_TIME: duration({ min: 1 }).default(3670),
  KEYS_PROPAGATION: duration({ min: 1, max: 300 }).default(10),
  JWKS_MAX_AGE: duration({ min: 1, max: 86_400 }).default(300),
  CLOCK_SKEW: duration({ max: 300 }).default(60),
  /** No token lives longer, whatever its policy says; keys are kept for as long as such a token needs them. */
  MAX_TOKEN_TTL: duration({ min: 10, max: 3600 }).default(3600),
  /** What signs. */
  KEYS_ALG: z.enum(signingAlgs).default('ES256'),
  /** Ladders kept beside it: what signing is being changed to or from. */
  KEYS_FURTHER_ALGS: list(z.enum(signingAlgs)).default([]),
  /** Who verifies besides those that honour max-age: presets, or name=duration; `none` for nobody. */
  KEYS_VERIFIERS: list(verifier).default([verifierPresets.istio]),
  /** Jobs are kept here instead of in PostgreSQL. */
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\//, 'must be a redis:// or rediss:// URL')
    .optional(),
  /** Whether this process takes scheduled jobs; `worker.js` does nothing else. */
  JOBS: z.enum(['on', 'off']).default('on'),
  /** The admin API listens where the access file has an admin section. */
  ADMIN_HOST: z.string().default('127.0.0.1'),
  ADMIN_PORT: port.default(8090),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  MIGRATIONS_FOLDER: z.string().default(migrations),
});

export type Config = z.output<typeof schema> & { schedule: KeySchedule };

/** @throws ConfigurationError */
export function readConfig(environment: Environment): Config {
  const config = loadConfig(schema, environment);
  const schedule = {
    rotateEverySeconds: config.KEYS_ROTATE_EVERY,
    leadTimeSeconds: config.KEYS_LEAD_TIME,
    jwksMaxAgeSeconds: config.JWKS_MAX_AGE,
    maxTokenTtlSeconds: config.MAX_TOKEN_TTL,
    skewSeconds: config.CLOCK_SKEW,
    propagationSeconds: config.KEYS_PROPAGATION,
    verifiers: config.KEYS_VERIFIERS,
  };
  const problems = checkSchedule(schedule);
  if (problems.length > 0) {
    const remedy =
      'change KEYS_ROTATE_EVERY, KEYS_LEAD_TIME, KEYS_PROPAGATION, KEYS_VERIFIERS, JWKS_MAX_AGE, MAX_TOKEN_TTL or CLOCK_SKEW';
    throw new ConfigurationError(problems.map((problem) => `${problem}; ${remedy}`));
  }
  return { ...config, schedule };
}
