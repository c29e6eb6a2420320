import { KeyConflict, KeyTooYoung, UnknownKey, type KeyRing } from '@modelgate/keys';
import { createLogger, runMain } from '@modelgate/nest';
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { keyList } from '../admin-api/key-list.ts';
import { composeKeys } from '../composition.ts';
import { readConfig } from '../config.ts';

const help = `modelgate-admin keys list                                     every key, what it waits for, who serves it
modelgate-admin keys rehearse [--within <seconds>]            what would happen, and when; changes nothing
modelgate-admin keys rotate   --reason <text> [--alg] [--force]
modelgate-admin keys prepare  --reason <text> [--alg]         a fresh spare in place of the one there is
modelgate-admin keys suspect  --reason <text> --kid <kid> [--force]
modelgate-admin keys revoke   --reason <text> --kid <kid> [--force]
modelgate-admin keys rewrap   --reason <text>                 seal again under the newest key-encryption key

Works on the database directly, with the environment of the token service; for when the admin API cannot be reached.
Every change is audited. --force promotes a spare that verifiers may not have seen: the answer says for how long they may
refuse its tokens.
`;

interface Options {
  reason?: string | undefined;
  kid?: string | undefined;
  alg?: string | undefined;
  within?: string | undefined;
  force?: boolean | undefined;
}

interface Change {
  reason: string;
  requestId: string;
  actor: string;
}

/** What changes keys; each takes a reason. */
const changes: Readonly<Record<string, (keys: KeyRing, change: Change, options: Options) => Promise<unknown>>> = {
  rotate: (keys, change, { force = false, alg }) => keys.rotate({ ...change, force, ...algOf(alg) }),
  prepare: (keys, change, { alg }) => keys.prepare({ ...change, ...algOf(alg) }),
  suspect: (keys, change, { kid = '', force = false }) => keys.suspect({ ...change, kid, force }),
  revoke: (keys, change, { kid = '', force = false }) => keys.revoke({ ...change, kid, force }),
  rewrap: async (keys, change) => ({ kids: await keys.rewrap(change) }),
};

/** What only looks. */
const looks: Readonly<Record<string, (keys: KeyRing, options: Options, leadTimeSeconds: number) => Promise<unknown>>> =
  {
    list: async (keys, _options, leadTimeSeconds) => {
      const report = await keys.report();
      return { ...keyList(report, new Map(), leadTimeSeconds), problems: report.problems };
    },
    rehearse: async (keys, { within = '86400' }) => {
      const steps = await keys.rehearse({ seconds: Number(within) });
      return steps.map((step) => ({ ...step, at: new Date(step.at).toISOString() }));
    },
  };

const tryAgain = 75;
const usage = 64;

await runMain(async () => {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values, positionals } = parseArgs({
    options: { reason: text, kid: text, alg: text, within: text, force: flag, help: flag },
    allowPositionals: true,
  });
  const [noun, verb = '', ...rest] = positionals;
  const known = noun === 'keys' && rest.length === 0 && (verb in changes || verb in looks);
  if (values.help || !known) {
    process.stdout.write(help);
    process.exit(values.help ? 0 : usage);
  }
  if (verb in changes && !values.reason) {
    process.stderr.write(`keys ${verb} needs a --reason; it is written to the audit log\n`);
    process.exit(usage);
  }
  process.exitCode = await run(verb, values);
});

async function run(verb: string, options: Options): Promise<number> {
  const config = readConfig(process.env);
  const logger = createLogger('modelgate-admin', 'error');
  const { database, keys, reconciler } = await composeKeys(config, logger, { serves: false });
  try {
    await reconciler.tick();
    if (reconciler.failure !== undefined) throw new Error(reconciler.failure);
    const change = {
      reason: options.reason ?? '',
      requestId: `admin-${randomUUID()}`,
      actor: `shell|${userInfo().username}`,
    };
    const result = await (looks[verb]?.(keys, options, config.KEYS_LEAD_TIME) ??
      changes[verb]?.(keys, change, options));
    process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
    return 0;
  } catch (error) {
    return refused(error);
  } finally {
    await reconciler.onApplicationShutdown();
    await database.close();
  }
}

function refused(error: unknown): number {
  if (error instanceof KeyTooYoung) {
    const at = error.earliestActivation;
    process.stderr.write(
      `${error.message}; earliest activation: ${at === undefined ? 'not known yet' : new Date(at).toISOString()}\n`,
    );
    return tryAgain;
  }
  if (error instanceof KeyConflict || error instanceof UnknownKey) {
    process.stderr.write(`${error.message || 'there is no such key'}; look again with keys list\n`);
    return tryAgain;
  }
  throw error;
}

function algOf(alg: string | undefined): { alg?: 'ES256' | 'RS256' | 'PS256' | 'EdDSA' } {
  switch (alg) {
    case undefined:
      return {};
    case 'ES256':
    case 'RS256':
    case 'PS256':
    case 'EdDSA':
      return { alg };
    default:
      throw new Error('--alg is ES256, RS256, PS256 or EdDSA');
  }
}
