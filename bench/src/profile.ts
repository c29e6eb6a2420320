import { FakeIssuer } from '@modelgate/testing';
import { firstLine, script, startOn } from './child.ts';
import { startInspectedGateway } from './gateway-process.ts';
import { callsOfRun, grpcTitle, runCalls } from './grpc.ts';
import type { CpuProfile, CpuProfileNode } from './inspector.ts';
import { connections, run, type Measured } from './measurement.ts';
import type { Setting } from './proxy.ts';
import type { Report, Section } from './report.ts';
import { distinctTokens, v1Request, v2Request, type GatewayRequest } from './scenarios.ts';

/** A kind of request, and how it is sent in great number. */
interface Subject {
  title: string;
  grpc?: boolean;
  /** How many are sent whenever the load is called. */
  requests: number;
  /** Sends the same again and again, whenever it is called. */
  prepare(port: number, issuer: FakeIssuer): () => Promise<unknown>;
}

const subjects: readonly Subject[] = [
  { title: 'V1, 10 rows of JSON, token seen before', ...requestsOf(v1Request, 1, 40_000) },
  { title: 'V1, 10 rows of JSON, another token every time', ...requestsOf(v1Request, distinctTokens, 16_000) },
  { title: 'V2, 100 KB of binary tensors, token seen before', ...requestsOf(v2Request, 1, 8_000) },
  {
    title: grpcTitle,
    grpc: true,
    requests: callsOfRun,
    prepare: (port, issuer) => runCalls.bind(undefined, port, issuer.sign()),
  },
];

/** Less than this share of the time is not worth a line. */
const leastShare = 0.015;

/** Where the gateway's own time goes, by kind of request: the shares of the source files whose code ran. */
export async function profileGateway(only = ''): Promise<Report> {
  const issuer = await FakeIssuer.start();
  issuer.setLimit('fraud-scoring', { quota: 100_000_000, windowSeconds: 1 });
  const sections: Section[] = [];
  try {
    for (const subject of subjects.filter(({ title }) => title.includes(only))) {
      const { profile, collections } = await profileOf(subject, issuer);
      const rarely =
        collections === 0 ? `not once in ${subject.requests}` : `once in ${Math.round(subject.requests / collections)}`;
      const notes = [...sharesOf(profile), '', `whole heap collected: ${rarely} requests`];
      sections.push({ title: subject.title, rows: [], notes });
    }
  } finally {
    await issuer.close();
  }
  const notes = [
    'Share of the time in which the process was busy. What a file calls of Node’s native code counts as its own; (program) is native code that nothing calls, such as reading sockets.',
  ];
  return { title: 'Where the time of the gateway goes', sections, notes, goalMissed: false };
}

/** @returns where the time went, and how often the whole heap was collected */
async function profileOf(
  { grpc = false, prepare }: Subject,
  issuer: FakeIssuer,
): Promise<{ profile: CpuProfile; collections: number }> {
  const backend = startOn('other', script(grpc ? 'grpc-backend.ts' : 'backend.ts'));
  const { audience, url, pair } = issuer;
  const upstreamPort = Number(await firstLine(backend));
  const common = { upstreamPort, issuer: url, audience, jwk: pair.publicJwk, scope: 'fraud/iris:predict' };
  const setting: Setting = { ...common, ...(grpc && { grpc }) };
  const gateway = await startInspectedGateway(setting, {});
  try {
    const load = prepare(gateway.port, issuer);
    await load();
    const collections = await gateway.inspector.countCollections();
    const profile = await gateway.inspector.profile(load);
    return { profile, collections: await collections() };
  } finally {
    gateway.stop();
    backend.kill('SIGKILL');
  }
}

function requestsOf(
  { headFor, body }: GatewayRequest,
  tokens: number,
  requests: number,
): Pick<Subject, 'requests' | 'prepare'> {
  const prepare: Subject['prepare'] = (port, issuer) => {
    const heads = Array.from({ length: tokens }, () => headFor('fraud/iris', issuer.sign()));
    const proxy = { port, pids: [], stop: () => undefined };
    const measured: Omit<Measured, 'name' | 'requests'> = { proxy, heads, body, tls: false };
    return () => run(measured, connections, requests);
  };
  return { requests, prepare };
}

/** One line for each file, the one that took longest first. */
function sharesOf(profile: CpuProfile): string[] {
  const times = timesByFile(profile);
  const busy = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times]
    .filter(([, time]) => time / busy >= leastShare)
    .toSorted(([, one], [, other]) => other - one)
    .map(([file, time]) => `${((100 * time) / busy).toFixed(1).padStart(5)} %   ${file}`);
}

function timesByFile({ nodes, samples, timeDeltas }: CpuProfile): Map<string, number> {
  const files = filesOf(nodes);
  const times = new Map<string, number>();
  for (const [at, id] of samples.entries()) {
    const file = files.get(id) ?? '(program)';
    times.set(file, (times.get(file) ?? 0) + (timeDeltas[at] ?? 0));
  }
  times.delete('(idle)');
  return times;
}

/** The file of each node. Native functions have none, and count for whoever calls them. */
function filesOf(nodes: readonly CpuProfileNode[]): Map<number, string> {
  const files = new Map<number, string>();
  // Parents come before their children.
  for (const { id, callFrame, children = [] } of nodes) {
    const own = nameOf(callFrame) ?? files.get(id) ?? '(program)';
    files.set(id, own);
    for (const child of children) files.set(child, own);
  }
  return files;
}

function nameOf({ url, functionName }: CpuProfileNode['callFrame']): string | undefined {
  if (functionName === '(garbage collector)' || functionName === '(idle)') return functionName;
  if (url === '') return undefined;
  const ours = /\/(?:apps|libs)\/([\w-]+)\/dist\/(.+)\.js$/.exec(url);
  return ours ? `${ours[1]}/${ours[2]}` : url.replace(/^.*\/node_modules\//, '');
}
