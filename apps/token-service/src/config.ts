import {
  DurationError,
  formatDuration,
  maxClockSkewSeconds,
  maxJwksKeys,
  maxTokenLifeSeconds,
  parseDuration,
} from '@modelgate/core';
import { checkSchedule, signingAlgs, verifierPresets, type KeySchedule, type VerifierClass } from '@modelgate/keys';
import {
  absoluteUri,
  commaSeparated,
  ConfigurationError,
  duration,
  issuerUrl,
  listenerSettings,
  loadConfig,
  logLevel,
  port,
  redisUrl,
  transportProblems,
  type Environment,
} from '@modelgate/nest';
import { z } from 'zod';

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

/** The environment variables that are read, each with what it says. */
export const tokenServiceSettings = z.object({
  TOKEN_ISSUER: issuerUrl.describe('`iss` of every token, and the URL everything else is found under.'),
  MODEL_AUDIENCE: absoluteUri.describe('`aud` of every token: what the models are called together.'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(?:ql)?:\/\//, 'must be a postgresql:// URL')
    .describe('PostgreSQL, where everything is kept.'),
  KEK_PROVIDER: z
    .enum(['file', 'vault', 'aws-kms'])
    .default('file')
    .describe('Who keeps the key-encryption keys that new signing keys are sealed under.'),
  KEK_FILE: z
    .string()
    .optional()
    .describe(
      'Key-encryption keys; made for the first signing key of all. With another provider, those that still open what they sealed.',
    ),
  VAULT_ADDR: z
    .string()
    .regex(/^https?:\/\//, 'must be an https:// URL')
    .optional()
    .describe('HashiCorp Vault or OpenBao, where KEK_PROVIDER is vault.'),
  VAULT_TOKEN: z.string().optional().describe('May encrypt and decrypt with VAULT_TRANSIT_KEY.'),
  VAULT_TOKEN_FILE: z
    .string()
    .optional()
    .describe('Read again whenever the token is refused, as an agent renews it there.'),
  VAULT_NAMESPACE: z.string().optional().describe('Of Vault Enterprise or OpenBao; none by default.'),
  VAULT_TRANSIT_MOUNT: z
    .string()
    .regex(/^[\w./-]{1,128}$/, 'must be a path')
    .default('transit')
    .describe('Where the transit engine is mounted.'),
  VAULT_TRANSIT_KEY: z
    .string()
    .regex(/^[\w.-]{1,128}$/, 'must be the name of a transit key')
    .optional()
    .describe('Name of the transit key, where KEK_PROVIDER is vault.'),
  AWS_KMS_KEY_ID: z
    .string()
    .optional()
    .describe('Id, ARN or alias of a symmetric key; credentials and region come from the usual AWS variables.'),
  AWS_KMS_ENDPOINT: z
    .string()
    .regex(/^https?:\/\//, 'must be a URL')
    .optional()
    .describe('Another endpoint of AWS KMS than the region’s.'),
  ACCESS_FILE: z
    .string()
    .describe('Who is believed, who may ask, who is granted what, as YAML; read again when it changes, and on SIGHUP.'),
  HOST: z.string().default('127.0.0.1').describe('Where token endpoint, JWKS, metadata, feeds and health are.'),
  PORT: port.default(8080).describe('0 is any free port; the log says which.'),
  TOKEN_TTL: duration({ min: 10, max: maxTokenLifeSeconds })
    .prefault('15m')
    .describe('How long a token lives, unless its policy or its subject token says less.'),
  KEYS_ROTATE_EVERY: duration({ min: 1 }).prefault('7d').describe('How long a key signs.'),
  KEYS_LEAD_TIME: duration({ min: 1 })
    .prefault('1h1m10s')
    .describe('How long a spare is published before it signs: longer than the slowest verifier takes to see it.'),
  KEYS_PROPAGATION: duration({ min: 1, max: 300 })
    .prefault('10s')
    .describe('Until every replica serves a change of keys; one that has not looked for so long stops signing.'),
  JWKS_MAX_AGE: duration({ min: 1, max: 86_400 })
    .prefault('5m')
    .describe('`max-age` of the JWKS: how long verifiers may keep it.'),
  CLOCK_SKEW: duration({ max: maxClockSkewSeconds })
    .prefault('1m')
    .describe('How far the clocks of verifiers may be from this one.'),
  MAX_TOKEN_TTL: duration({ min: 10, max: maxTokenLifeSeconds })
    .prefault(formatDuration(maxTokenLifeSeconds))
    .describe('No token lives longer, whatever its policy says; keys are kept for as long as such a token needs them.'),
  KEYS_ALG: z.enum(signingAlgs).default('ES256').describe('What signs.'),
  KEYS_FURTHER_ALGS: commaSeparated(z.enum(signingAlgs), { none: 'none' })
    .prefault('none')
    .describe(
      `Ladders kept beside it: what signing is being changed to or from. All of them publish at most ${maxJwksKeys} keys, which is checked against KEYS_ROTATE_EVERY.`,
    ),
  KEYS_VERIFIERS: commaSeparated(verifier, { none: 'none' })
    .prefault('istio')
    .describe('Who verifies besides those that honour max-age: presets, or name=duration; `none` for nobody.'),
  REDIS_URL: redisUrl.optional().describe('Jobs are kept here instead of in PostgreSQL.'),
  JOBS: z
    .enum(['on', 'off'])
    .default('on')
    .describe('Whether this process takes scheduled jobs; `worker.js` does nothing else.'),
  ADMIN_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('Where the admin API listens, if the access file has an admin section at the start.'),
  ADMIN_PORT: port.default(8090).describe('0 is any free port; the log says which.'),
  ...listenerSettings,
  LOG_LEVEL: logLevel,
  MIGRATIONS_FOLDER: z.string().optional().describe('Migrations of the database; by default, those of this release.'),
});

export type Config = z.output<typeof tokenServiceSettings> & { schedule: KeySchedule };

/** @throws ConfigurationError */
export function readConfig(environment: Environment): Config {
  const config = loadConfig(tokenServiceSettings, environment, kekProblems);
  const schedule = {
    rotateEverySeconds: config.KEYS_ROTATE_EVERY,
    leadTimeSeconds: config.KEYS_LEAD_TIME,
    jwksMaxAgeSeconds: config.JWKS_MAX_AGE,
    maxTokenTtlSeconds: config.MAX_TOKEN_TTL,
    skewSeconds: config.CLOCK_SKEW,
    propagationSeconds: config.KEYS_PROPAGATION,
    verifiers: config.KEYS_VERIFIERS,
  };
  const problems = [
    ...transportProblems(config, { HOST: config.HOST, ADMIN_HOST: config.ADMIN_HOST }),
    ...scheduleProblems(config, schedule),
  ];
  if (problems.length > 0) throw new ConfigurationError(problems);
  return { ...config, schedule };
}

/** Times that contradict each other, with their numbers. */
function scheduleProblems(config: z.output<typeof tokenServiceSettings>, schedule: KeySchedule): string[] {
  const { TOKEN_TTL: ttl, MAX_TOKEN_TTL: longest } = config;
  const ladders = new Set([config.KEYS_ALG, ...config.KEYS_FURTHER_ALGS]).size;
  const remedy =
    'change KEYS_ROTATE_EVERY, KEYS_LEAD_TIME, KEYS_PROPAGATION, KEYS_VERIFIERS, JWKS_MAX_AGE, MAX_TOKEN_TTL, CLOCK_SKEW or KEYS_FURTHER_ALGS';
  const problems = checkSchedule(schedule, ladders).map((problem) => `${problem}; ${remedy}`);
  if (ttl <= longest) return problems;
  return [
    ...problems,
    `tokens of ${ttl} s outlive the ${longest} s that keys are kept for; change TOKEN_TTL or MAX_TOKEN_TTL`,
  ];
}

const providerNeeds: Readonly<Record<string, readonly string[]>> = {
  file: ['KEK_FILE'],
  vault: ['VAULT_ADDR', 'VAULT_TRANSIT_KEY', 'VAULT_TOKEN'],
  'aws-kms': ['AWS_KMS_KEY_ID'],
};

/** What the chosen provider of key-encryption keys still needs. */
function kekProblems(given: Environment): string[] {
  const provider = given['KEK_PROVIDER'] ?? 'file';
  const missing = (providerNeeds[provider] ?? []).filter((name) => given[name] === undefined);
  return missing.map((name) =>
    name === 'KEK_FILE'
      ? 'KEK_FILE is missing; set it to a path, or KEK_PROVIDER to another provider'
      : `${name} is missing; KEK_PROVIDER=${provider} needs it`,
  );
}
