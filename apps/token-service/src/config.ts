import { scheduleProblems, type KeySchedule } from '@modelgate/keys';
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
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  MIGRATIONS_FOLDER: z.string().default(migrations),
});

export type Config = z.output<typeof schema> & { schedule: KeySchedule };

/** No policy may say more; a key is kept for as long as a token of this life needs it. */
const longestTokenLife = 3600;

/** @throws ConfigurationError */
export function readConfig(environment: Environment): Config {
  const config = loadConfig(schema, environment);
  const schedule = {
    rotateEverySeconds: config.KEYS_ROTATE_EVERY,
    leadTimeSeconds: config.KEYS_LEAD_TIME,
    jwksMaxAgeSeconds: config.JWKS_MAX_AGE,
    maxTokenTtlSeconds: longestTokenLife,
    skewSeconds: config.CLOCK_SKEW,
    propagationSeconds: config.KEYS_PROPAGATION,
  };
  const problems = scheduleProblems(schedule);
  if (problems.length > 0) {
    const remedy = 'change KEYS_ROTATE_EVERY, KEYS_LEAD_TIME, KEYS_PROPAGATION, JWKS_MAX_AGE or CLOCK_SKEW';
    throw new ConfigurationError(problems.map((problem) => `${problem}; ${remedy}`));
  }
  return { ...config, schedule };
}
