import type { CensusEntry, KeyReport, KeysReport, Readiness } from '@modelgate/keys';

/** Everything an admin is shown of the keys. */
export interface KeysShown {
  report: KeysReport;
  /** kid → tokens it answers for. */
  liveTokens: ReadonlyMap<string, number>;
  /** Who reads the JWKS. */
  census: readonly CensusEntry[];
  /** What this process cannot do at the moment. */
  problems: readonly string[];
}

/** As the API shows it: times in RFC 3339. */
export function keyList({ report, liveTokens, census, problems }: KeysShown): object {
  const { now, leadTimeSeconds, keys, replicas } = report;
  return {
    now: iso(now),
    leadTimeSeconds,
    keys: keys.map((key) => shown(key, liveTokens.get(key.kid) ?? 0)),
    replicas,
    verifiers: census.map(({ lastReadAt, ...reader }) => ({ ...reader, ...inRfc3339({ lastReadAt }) })),
    problems: [...report.problems, ...problems, ...census.flatMap(slowness)],
  };
}

function slowness({ userAgent, source, warning }: CensusEntry): string[] {
  return warning === undefined ? [] : [`${userAgent} at ${source} ${warning}`];
}

function shown(key: KeyReport, liveTokens: number): object {
  const { issuer: _issuer, publicJwk: _jwk, readiness, ...rest } = key;
  const { createdAt, publishedAt, activatedAt, retiredAt, rotationDue, leavesAt, ...plain } = rest;
  const times = { createdAt, publishedAt, activatedAt, retiredAt, rotationDue, leavesAt };
  return { ...plain, liveTokens, ...inRfc3339(times), ...(readiness && { readiness: readinessShown(readiness) }) };
}

function readinessShown({ earliestActivation, ...plain }: Readiness): object {
  return { ...plain, ...inRfc3339({ earliestActivation }) };
}

/** Those that are known. */
function inRfc3339(times: Readonly<Record<string, number | undefined>>): Record<string, string> {
  const known = Object.entries(times).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return Object.fromEntries(known.map(([name, milliseconds]) => [name, iso(milliseconds)]));
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
