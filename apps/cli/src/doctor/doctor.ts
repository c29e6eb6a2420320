import { CatalogueError, parseCatalogue, type CatalogueDocument } from '@modelgate/catalogue';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parse, YAMLParseError } from 'yaml';
import { probe, type Finding } from './probe.ts';
import { asJson, asText, verdictOf, type Verdict } from './report.ts';
import { targetsOf, type Target } from './targets.ts';
import { wrongToken } from './wrong-token.ts';

const help = `modelgate doctor [--catalogue <file>] [--gateway <url>] [--address <url> …] [--timeout <seconds>] [--json]

Requests every model without a token and with a wrong one, at every published host and at its server's own addresses, and
reports which of them answer. It sends only GET requests, and never a valid token.

  --catalogue <file>   the gateway's catalogue, which names the hosts and addresses
  --gateway <url>      the gateway's address; without it, each published host is requested over https
  --address <url>      a further address of a model server; may be repeated
  --timeout <seconds>  for each request; default 5
  --json               the findings as JSON

Run it from the callers' network and inside the cluster, because different addresses are reachable from each.
Exit code: 0 everything was refused or out of reach · 1 something answered, or the result is unclear · 64 wrong usage ·
65 the catalogue cannot be used · 69 nothing could be reached, which proves nothing
`;

const exitCodes: Readonly<Record<Verdict, number>> = { closed: 0, open: 1, unclear: 1, unproven: 69 };
const usage = 64;
const unusable = 65;
/** Maximum concurrent requests. */
const width = 16;

/** The output streams of a command. */
export interface Output {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
}

interface Request {
  targets: Target[];
  timeoutMs: number;
  json: boolean;
}

/** Checks a deployment from the perspective of a caller without a valid token. @returns the exit code */
export async function doctor(args: readonly string[], { stdout, stderr }: Output): Promise<number> {
  if (args.includes('--help')) {
    stdout.write(help);
    return 0;
  }
  let request: Request;
  try {
    request = read(args);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const wrongUsage = !(error instanceof CatalogueError);
    stderr.write(wrongUsage ? `${error.message}\n\n${help}` : `${error.message}\n`);
    return wrongUsage ? usage : unusable;
  }
  const findings = await examine(request);
  stdout.write(request.json ? asJson(findings) : asText(findings));
  return exitCodes[verdictOf(findings)];
}

/** @throws if the arguments, or the catalogue that they name, cannot be used */
function read(args: readonly string[]): Request {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      catalogue: text,
      gateway: text,
      address: { type: 'string', multiple: true },
      timeout: { type: 'string', default: '5' },
      json: { type: 'boolean', default: false },
    },
  });
  const timeoutMs = Number(values.timeout) * 1000;
  if (!(timeoutMs > 0 && timeoutMs <= 300_000))
    throw new RangeError('--timeout must be a number of seconds, at most 300');
  const gateway = values.gateway === undefined ? undefined : origin('--gateway', values.gateway);
  const addresses = (values.address ?? []).map((address) => httpUrl('--address', address));
  const catalogue = values.catalogue === undefined ? undefined : readCatalogue(values.catalogue);
  const targets = targetsOf({ catalogue, gateway, addresses });
  if (targets.length === 0) throw new RangeError('nothing to check: give a --catalogue, a --gateway or an --address');
  return { targets, timeoutMs, json: values.json };
}

/** URL parts that would be ignored, and credentials that would be sent, are refused instead. */
function httpUrl(option: string, text: string): URL {
  if (!/^https?:/i.test(text) || !URL.canParse(text)) {
    throw new RangeError(`${option} ${text} is not an http or https URL`);
  }
  const url = new URL(text);
  // The value is not repeated, because it contains a secret.
  if (url.username !== '' || url.password !== '') throw new RangeError(`${option} must not contain a credential`);
  if (url.search !== '' || url.hash !== '') throw new RangeError(`${option} ${text} has a query or a fragment`);
  return url;
}

function origin(option: string, text: string): URL {
  const url = httpUrl(option, text);
  if (url.pathname !== '/') throw new RangeError(`${option} ${text} has a path; only ${url.origin} can be checked`);
  return url;
}

function readCatalogue(file: string): CatalogueDocument {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new CatalogueError([`${file} cannot be read`]);
  }
  let document: unknown;
  try {
    document = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    const line = error instanceof YAMLParseError ? error.linePos?.[0].line : undefined;
    throw new CatalogueError([`${file} is not YAML${line === undefined ? '' : `, see line ${line}`}`]);
  }
  return parseCatalogue(document);
}

async function examine({ targets, timeoutMs }: Request): Promise<Finding[]> {
  const token = wrongToken();
  const questions = targets.flatMap((target) => [
    { target, token: undefined },
    { target, token },
  ]);
  const findings: Finding[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < questions.length; at = next++) {
      const question = questions[at];
      if (question) findings[at] = await probe(question.target, question.token, timeoutMs);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return findings;
}
