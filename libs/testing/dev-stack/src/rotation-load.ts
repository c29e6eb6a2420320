import type { Access } from './access.ts';
import { exchange, infer, type ClientIdentity } from './caller.ts';
import type { Stack } from './stack.ts';

/** A stack whose keys rotate every few seconds; tokens live for several rotations. */
export const rapidKeys = {
  KEYS_ROTATE_EVERY: '5s',
  KEYS_LEAD_TIME: '4s',
  KEYS_PROPAGATION: '2s',
  JWKS_MAX_AGE: '1s',
  CLOCK_SKEW: '1s',
  MAX_TOKEN_TTL: '20s',
  TOKEN_TTL: '20s',
  KEYS_VERIFIERS: 'modelgate',
} as const;

/**
 * What the run needs of the access file: no limit, and a subject token of ten hours that outlives the slowest machine, which
 * the caller may exchange.
 */
export function rotationAccess(access: Access): Access {
  const policies = access.policies.map(({ limit: _, ...policy }) => policy);
  const clients = access.clients.map((client) =>
    client.clientId === 'batch-scorer' ? { ...client, mayExchange: ['long-lived'] } : client,
  );
  return { ...access, policies, clients };
}

export interface RotationLoad {
  /** Model requests and exchanges together, at most. */
  requests: number;
  /** Ends the run before that. */
  until?: AbortSignal;
  /**
   * An exchange whose connection breaks is asked for again, once, as HTTP clients do: for runs in which replicas are
   * stopped.
   */
  retries?: boolean;
  concurrency: number;
  client: ClientIdentity;
  /** A subject token that outlives the run. */
  subjectToken: string;
  /** Path of the model, from each gateway's origin. */
  path: string;
  body: unknown;
  onProgress?: (text: string) => void;
}

export interface RotationResult {
  requests: number;
  exchanges: number;
  refused: number;
  /** The first few refusals, in words. */
  refusals: string[];
  /** Different keys that signed during the run. */
  keys: number;
  /** The algorithms they signed with, in the order in which they were first met. */
  algs: string[];
  seconds: number;
}

/** Every so many requests of a worker are an exchange; the others use a token that is new, middle-aged or about to expire. */
const exchangeEvery = 10;
/** Seconds before its end at which a caller stops using a token, as an SDK would. */
const spare = 2;

interface HeldToken {
  token: string;
  expiresAt: number;
}

interface Run {
  left: number;
  tokens: HeldToken[];
  kids: Set<string>;
  algs: Set<string>;
  result: RotationResult;
}

/** Exchanges and inference through every gateway in turn, while the keys rotate; counts what was refused. */
export async function runRotationLoad(stack: Stack, load: RotationLoad): Promise<RotationResult> {
  const started = performance.now();
  const result = { requests: 0, exchanges: 0, refused: 0, refusals: [], keys: 0, algs: [], seconds: 0 };
  const run: Run = { left: load.requests, tokens: [], kids: new Set(), algs: new Set(), result };
  const timer = setInterval(() => load.onProgress?.(progress(run)), 10_000);
  try {
    await Promise.all(Array.from({ length: load.concurrency }, (_, index) => work(stack, load, run, index)));
  } finally {
    clearInterval(timer);
  }
  const { kids, algs } = run;
  return { ...run.result, keys: kids.size, algs: [...algs], seconds: (performance.now() - started) / 1000 };
}

async function work(stack: Stack, load: RotationLoad, run: Run, index: number): Promise<void> {
  for (let turn = index; run.left > 0 && !load.until?.aborted; turn++) {
    run.left--;
    run.result.requests++;
    const held = turn % exchangeEvery === 0 ? undefined : pick(run, turn);
    if (held) await request(stack, load, run, { held, turn });
    else await renew(stack, load, run);
  }
}

async function request(
  stack: Stack,
  load: RotationLoad,
  run: Run,
  { held, turn }: { held: HeldToken; turn: number },
): Promise<void> {
  const gateway = stack.gateways[turn % stack.gateways.length] ?? '';
  const answer = await infer(gateway + load.path, held.token, load.body).catch(inWords);
  if (typeof answer === 'string') refused(run, `inference: ${answer}`);
  else if (answer.status !== 200) refused(run, `inference: ${answer.status} ${JSON.stringify(answer.body)}`);
}

async function renew(stack: Stack, { client, subjectToken, retries }: RotationLoad, run: Run): Promise<void> {
  run.result.exchanges++;
  const ask = () => exchange(stack.issuer, client, subjectToken, { scope: 'fraud/iris:predict' });
  const answer = await ask()
    .catch((error: unknown) => (retries ? ask() : Promise.reject(error)))
    .catch(inWords);
  if (typeof answer === 'string') return refused(run, `exchange: ${answer}`);
  const { access_token: token, expires_in: life } = answer.body;
  if (answer.status !== 200 || typeof token !== 'string') {
    return refused(run, `exchange: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  const { kid = '', alg = '' } = headerOf(token);
  run.kids.add(kid);
  run.algs.add(alg);
  run.tokens.push({ token, expiresAt: Date.now() + (Number(life) - spare) * 1000 });
}

/** Any token that is still good, old ones as often as new ones. */
function pick(run: Run, turn: number): HeldToken | undefined {
  const now = Date.now();
  if ((run.tokens[0]?.expiresAt ?? now) < now) run.tokens = run.tokens.filter(({ expiresAt }) => expiresAt > now);
  return run.tokens[(turn * 7919) % Math.max(run.tokens.length, 1)];
}

function refused({ result }: Run, why: string): void {
  result.refused++;
  if (result.refusals.length < 5) result.refusals.push(why);
}

function progress({ result, kids }: Run): string {
  return `${result.requests} requests, ${result.refused} refused, ${kids.size} keys`;
}

function headerOf(token: string): { kid?: string; alg?: string } {
  return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid?: string; alg?: string };
}

function inWords(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${String(error)}${cause}`;
}
