import type { KeyReport, KeysReport } from '@modelgate/keys';

/** The report as the API shows it: times in RFC 3339, and how many tokens each key answers for. */
export function keyList(report: KeysReport, liveTokens: ReadonlyMap<string, number>, leadTimeSeconds: number): object {
  const { now, keys, replicas } = report;
  return {
    now: iso(now),
    leadTimeSeconds,
    keys: keys.map((key) => shown(key, liveTokens.get(key.kid) ?? 0)),
    replicas,
  };
}

function shown(key: KeyReport, liveTokens: number): object {
  const { issuer: _issuer, publicJwk: _jwk, createdAt, publishedAt, activatedAt, retiredAt, ...rest } = key;
  const { earliestActivation, rotationDue, leavesAt, ...plain } = rest;
  const times = { createdAt, publishedAt, activatedAt, retiredAt, earliestActivation, rotationDue, leavesAt };
  const known = Object.entries(times).filter((entry): entry is [string, number] => Number.isFinite(entry[1]));
  return { ...plain, liveTokens, ...Object.fromEntries(known.map(([name, value]) => [name, iso(value)])) };
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
