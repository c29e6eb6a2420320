import { CertificateAuthority, FakeIssuer } from '@modelgate/testing';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstLine, pinning, script, startOn } from './child.ts';
import { startGateway } from './gateway-process.ts';
import { measureGrpc, grpcTitle } from './grpc.ts';
import { connections, measureInTurns, rounds, type Measured } from './measurement.ts';
import { peersHere } from './peers.ts';
import type { Proxy, Setting } from './proxy.ts';
import { best, sectionText, type Report, type Row, type Section } from './report.ts';
import { distinctTokens, headOf, scenarios, type Goal, type Scenario } from './scenarios.ts';
import { chatTitle, measureChat } from './sse.ts';
import { statusesOfWrongTokens, wrongTokenNames } from './token-checks.ts';

const gatewayPrefix = '/serving/fraud/iris';

/**
 * CPU per proxied request and what is added to its latency, beside peers that do the same and floors that do nothing.
 *
 * @param only measures the scenarios alone whose title contains it
 */
export async function benchmarkGateway(only = ''): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-bench-tls-'));
  const tls = await listenerCertificate(folder);
  const issuer = await FakeIssuer.start();
  // On, and never reached.
  issuer.setLimit('fraud-scoring', { quota: 100_000_000, windowSeconds: 1 });
  const backend = startOn('other', script('backend.ts'));
  const { audience, url, pair } = issuer;
  const upstreamPort = Number(await firstLine(backend));
  const setting: Setting = { upstreamPort, issuer: url, audience, jwk: pair.publicJwk, scope: 'fraud/iris:predict' };
  const peers = await peersHere();
  const outcomes: Outcome[] = [];
  const note = (outcome: Outcome): void => {
    outcomes.push(outcome);
    process.stdout.write(`\n${sectionText(outcome.section)}`);
  };
  try {
    for (const scenario of scenarios(peers).filter(({ title }) => title.includes(only))) {
      note(await play(scenario, { ...setting, ...(scenario.tls && { tls }) }, issuer));
    }
    if (chatTitle.includes(only)) note(await measureChat(setting, peers, issuer));
    if (grpcTitle.includes(only)) note(await measureGrpc(setting, issuer));
  } finally {
    backend.kill('SIGKILL');
    await issuer.close();
    rmSync(folder, { recursive: true });
  }
  return {
    title: 'One request through one process: token verified, limit counted, model and verb decided',
    sections: outcomes.map(({ section }) => section),
    notes: [
      `CPU under ${connections} connections; latency added to that of the bare model server, one request at a time; ${rounds} rounds in turns, the best is shown; ${pinning}.`,
      `Refuses: what was answered beforehand to ${wrongTokenNames.join(', ')}; 200 means that it is not checked. nginx checks nothing, HAProxy has no limit, only Envoy and the gateway do all of it.`,
      ...peers.missing.map((reason) => `Not measured: ${reason}.`),
    ],
    goalMissed: outcomes.some(({ missed }) => missed),
  };
}

async function listenerCertificate(folder: string): Promise<{ certFile: string; keyFile: string }> {
  const authority = await CertificateAuthority.create();
  const { cert, key } = await authority.issue({ names: ['127.0.0.1', 'localhost'] });
  const tls = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') };
  writeFileSync(tls.certFile, cert);
  writeFileSync(tls.keyFile, key, { mode: 0o600 });
  return tls;
}

interface Outcome {
  section: Section;
  missed: boolean;
}

async function play(scenario: Scenario, setting: Setting, issuer: FakeIssuer): Promise<Outcome> {
  const tokens = Array.from({ length: scenario.cold ? distinctTokens : 1 }, () => issuer.sign());
  const { body, tls, requests } = scenario;
  const proxies: Measured[] = [];
  const refusals: number[][] = [];
  const add = async (name: string, proxy: Proxy, { prefix = '', share = 1 } = {}): Promise<void> => {
    const headWith = (token: string): string => headOf(scenario, prefix + scenario.path, token);
    proxies.push({ name, proxy, heads: tokens.map(headWith), body, tls, requests: Math.ceil(requests * share) });
    // A large body that is refused before it is read may end in a reset.
    const small = { ...scenario, body: Buffer.from('{}') };
    const headOfSmall = (token: string): string => headOf(small, prefix + scenario.path, token);
    refusals.push(await statusesOfWrongTokens({ proxy, tls, body: small.body, headWith: headOfSmall }, issuer));
  };
  try {
    await add('gateway', await startGateway(setting), { prefix: gatewayPrefix });
    for (const { name, start, share = 1 } of scenario.peers) await add(name, await start(setting), { share });
    const direct = { port: setting.upstreamPort, pids: [], stop: () => undefined };
    const heads = [headOf(scenario, scenario.path, '')];
    const rows = await measureInTurns([
      ...proxies,
      { name: 'direct', proxy: direct, heads, body, tls: false, requests: 100 },
    ]);
    return conclude(
      scenario,
      rows.map((row, at) => ({ ...row, refuses: refusals[at] ?? [] })),
    );
  } finally {
    for (const { proxy } of proxies) proxy.stop();
  }
}

function conclude({ title, goals }: Scenario, rows: readonly Row[]): Outcome {
  const direct = rows.at(-1);
  const [gateway, ...peers] = rows.slice(0, -1).map((row) => added(row, direct));
  if (!gateway) throw new Error('nothing was measured');
  const verdicts = peers.map((peer) => compare(gateway, peer, goals));
  const missed =
    verdicts.some((verdict) => verdict.missed) ||
    rows.some(({ errors }) => errors > 0) ||
    gateway.refuses?.some((status) => status < 400) === true;
  return { section: { title, rows: [gateway, ...peers], notes: verdicts.map(({ text }) => text) }, missed };
}

/** Latencies beyond those of the model server itself. */
function added(row: Row, direct: Row | undefined): Row {
  const beyond = (figures: number[], floor: number[] = []): number[] => figures.map((value) => value - best(floor));
  return { ...row, p50: beyond(row.p50, direct?.p50), p99: beyond(row.p99, direct?.p99) };
}

function compare(gateway: Row, peer: Row, goals: readonly Goal[]): { text: string; missed: boolean } {
  const ratio = best(gateway.cpu) / best(peer.cpu);
  const goal = goals.find(({ peer: name }) => peer.name.startsWith(name));
  const missed = goal !== undefined && ratio > goal.ratio;
  const verdict = goal ? `  (goal: at most ${goal.ratio}${missed ? ', MISSED' : ''})` : '';
  return { text: `gateway / ${peer.name} = ${ratio.toFixed(2)}${verdict}`, missed };
}
