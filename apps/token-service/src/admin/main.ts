import { KeyConflict, KeyTooYoung, type KeyRing } from '@modelgate/keys';
import { createLogger, runMain } from '@modelgate/nest';
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { composeKeys } from '../composition.ts';
import { readConfig } from '../config.ts';

const help = `modelgate-admin keys list
modelgate-admin keys rotate --reason <text> [--force]

Works on the database directly, with the environment of the token service; for when the admin API cannot be reached.
Every change is audited. --force promotes a spare that verifiers may not have seen: they refuse its tokens until they
fetch the JWKS again.
`;

await runMain(async () => {
  const { values, positionals } = parseArgs({
    options: { reason: { type: 'string' }, force: { type: 'boolean' }, help: { type: 'boolean' } },
    allowPositionals: true,
  });
  const command = positionals.join(' ');
  if (values.help || !['keys list', 'keys rotate'].includes(command)) {
    process.stdout.write(help);
    process.exit(values.help ? 0 : 64);
  }
  const { database, keys, reconciler } = await composeKeys(
    readConfig(process.env),
    createLogger('modelgate-admin', 'error'),
  );
  try {
    await reconciler.tick();
    if (reconciler.failure !== undefined) throw new Error(reconciler.failure);
    process.exitCode = command === 'keys list' ? list(keys) : await rotate(keys, values);
  } finally {
    await reconciler.onApplicationShutdown();
    await database.close();
  }
});

function list(keys: KeyRing): number {
  const rows = keys.keys().map(({ kid, alg, state, createdAt, publishedAt, activatedAt }) => ({
    kid,
    alg,
    state,
    createdAt: new Date(createdAt).toISOString(),
    ...(publishedAt !== undefined && { publishedAt: new Date(publishedAt).toISOString() }),
    ...(activatedAt !== undefined && { activatedAt: new Date(activatedAt).toISOString() }),
  }));
  process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
  return 0;
}

async function rotate(
  keys: KeyRing,
  { reason, force = false }: { reason?: string | undefined; force?: boolean | undefined },
): Promise<number> {
  if (!reason) {
    process.stderr.write('keys rotate needs a --reason; it is written to the audit log\n');
    return 64;
  }
  try {
    const result = await keys.rotate({
      reason: `${reason} (by ${userInfo().username})`,
      requestId: `admin-${randomUUID()}`,
      force,
    });
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return 0;
  } catch (error) {
    if (error instanceof KeyTooYoung) {
      const at =
        error.earliestActivation === undefined ? 'not known yet' : new Date(error.earliestActivation).toISOString();
      process.stderr.write(`${error.message}; earliest activation: ${at}\n`);
      return 75;
    }
    if (!(error instanceof KeyConflict)) throw error;
    process.stderr.write(`${error.message}; look again with keys list\n`);
    return 75;
  }
}
