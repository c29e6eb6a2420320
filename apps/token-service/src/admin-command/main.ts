import { StoreUnavailable } from '@modelgate/core';
import '@modelgate/nest/supported-node';
import { KeyConflict, KeyTooYoung, UnknownKey, UnsealError, type SigningAlg } from '@modelgate/keys';
import { KekError } from '@modelgate/key-encryption';
import { createLogger, runMain } from '@modelgate/nest';
import { PrismaLiveTokens } from '@modelgate/store';
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { keyList } from '../admin-api/keys/key-list.ts';
import { composeKeys, type KeyParts } from '../composition.ts';
import { readConfig } from '../config.ts';
import { parseCommand, UsageError, type Command } from './command-line.ts';

const help = `modelgate-admin keys list                                     every key, what it waits for, who serves it
modelgate-admin keys rehearse [--within <seconds>]            what would happen, and when; changes nothing
modelgate-admin keys rotate   --reason <text> [--alg] [--force] [--dry-run]
modelgate-admin keys prepare  --reason <text> [--alg]         a fresh spare in place of the one there is
modelgate-admin keys suspect  --reason <text> --kid <kid> [--force] [--dry-run]
modelgate-admin keys revoke   --reason <text> --kid <kid> [--force] [--dry-run]
modelgate-admin keys rewrap   --reason <text>                 seal again under the newest key-encryption key

Works on the database directly, with the environment of the token service; for when the admin API cannot be reached.
Every change is audited. --force promotes a spare that verifiers may not have seen: the answer says for how long they may
refuse its tokens. --dry-run says what the answer would be, and changes nothing.
`;

type Request = Exclude<Command, { verb: 'help' }>;

/** sysexits.h. */
const exits = { usage: 64, unavailable: 69, tryAgain: 75 } as const;

/** Prisma's code for a table that does not exist. */
const noTable = 'P2021';

await runMain(async () => {
  try {
    const command = parseCommand(process.argv.slice(2));
    if (command.verb === 'help') process.stdout.write(help);
    else process.exitCode = await run(command);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${help}`);
    process.exitCode = exits.usage;
  }
});

async function run(command: Request): Promise<number> {
  const config = readConfig(process.env);
  const logger = createLogger('modelgate-admin', 'error');
  // What only looks, and a revocation, must work where a key-encryption key is lost.
  const parts = await composeKeys(config, logger, { serves: false, seals: false });
  try {
    process.stdout.write(`${JSON.stringify(await carryOut(command, parts), undefined, 2)}\n`);
    return 0;
  } catch (error) {
    return refused(error);
  } finally {
    await parts.database.close();
  }
}

async function carryOut(command: Request, { keys, census, database }: KeyParts): Promise<unknown> {
  const by = { requestId: `admin-${randomUUID()}`, actor: `shell|${userInfo().username}` };
  switch (command.verb) {
    case 'list': {
      const report = await keys.report();
      const liveTokens = await new PrismaLiveTokens(database).count(report.keys.map(({ kid }) => kid));
      return keyList({ report, liveTokens, census: await census.take(), problems: [] });
    }
    case 'rehearse': {
      const steps = await keys.rehearse(command);
      return steps.map((step) => ({ ...step, at: new Date(step.at).toISOString() }));
    }
    case 'rotate':
      return keys.rotate({ ...by, ...withAlg(command) });
    case 'prepare':
      return keys.prepare({ ...by, ...withAlg(command) });
    case 'suspect':
      return keys.suspect({ ...by, ...command });
    case 'revoke':
      return keys.revoke({ ...by, ...command });
    case 'rewrap':
      return { kids: await keys.rewrap({ ...by, ...command }) };
  }
}

function withAlg<T extends { alg: SigningAlg | undefined }>({ alg, ...rest }: T) {
  return { ...rest, ...(alg && { alg }) };
}

/** In a sentence, and not in a stack trace, where what is wrong is not in here. */
function refused(error: unknown): number {
  if (error instanceof KeyTooYoung) {
    const at = error.earliestActivation;
    const when = at === undefined ? 'not known yet' : new Date(at).toISOString();
    return say(`${error.message}; earliest activation: ${when}`, exits.tryAgain);
  }
  if (error instanceof KeyConflict || error instanceof UnknownKey) {
    return say(`${error.message || 'there is no such key'}; look again with keys list`, exits.tryAgain);
  }
  if (error instanceof StoreUnavailable || error instanceof UnsealError || error instanceof KekError) {
    return say(error.message, exits.unavailable);
  }
  if (error instanceof Error && 'code' in error && error.code === noTable) {
    return say('the database has no tables yet; the token service makes them when it first starts', exits.unavailable);
  }
  throw error;
}

function say(sentence: string, code: number): number {
  process.stderr.write(`${sentence}\n`);
  return code;
}
