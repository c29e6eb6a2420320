import type { Finding, Outcome } from './probe.ts';

/** `unproven`: no request was refused, because no target could be reached. */
export type Verdict = 'closed' | 'open' | 'unclear' | 'unproven';

export function verdictOf(findings: readonly Finding[]): Verdict {
  const found = new Set(findings.map(({ outcome }) => outcome));
  if (found.has('answered')) return 'open';
  if (found.has('unclear')) return 'unclear';
  return found.has('refused') ? 'closed' : 'unproven';
}

const sentences: Readonly<Record<Verdict, string>> = {
  closed: 'Closed: no request without a valid token was answered.',
  open: 'Open: models answer without a good token.',
  unclear: 'Unclear: some of it cannot be told from here.',
  unproven: 'Unproven: nothing could be reached from here.',
};

export function asJson(findings: readonly Finding[]): string {
  const list = findings.map(({ target: { kind, url, host }, token, outcome, status, detail }) => ({
    kind,
    url: url.href,
    host,
    token,
    outcome,
    ...(status !== undefined && { status }),
    ...(detail !== '' && { detail }),
  }));
  return `${JSON.stringify({ verdict: verdictOf(findings), findings: list }, undefined, 2)}\n`;
}

/** One line per finding, problems first, and the verdict last. */
export function asText(findings: readonly Finding[]): string {
  const order: readonly Outcome[] = ['answered', 'unclear', 'refused', 'unreachable'];
  const rows = findings
    .toSorted((one, other) => order.indexOf(one.outcome) - order.indexOf(other.outcome))
    .map(({ target: { kind, url, host }, token, outcome, status, detail }) => [
      outcome,
      status === undefined ? '' : String(status),
      token === 'none' ? 'no token' : 'wrong token',
      kind,
      host === url.host ? url.href : `${url.href} as ${host}`,
      detail,
    ]);
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n\n${sentences[verdictOf(findings)]}\n`;
}
