import { status } from '@grpc/grpc-js';
import { grpcMethods, surfaceRows } from '@modelgate/protocols';
import { requireOrSkip } from '@modelgate/real-parts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestBed } from './gateway.fixture.ts';
import {
  addressFor,
  askDirectly,
  askThroughGateway,
  entryOf,
  isCall,
  load,
  openWay,
  parts,
  questionFor,
  startRealServers,
  walks,
  type Addresses,
  type Row,
  type Told,
  type Walk,
  type Way,
} from './real-surfaces.fixture.ts';
import { allBut } from './surface-walk.fixture.ts';
import { recordedOnly, rowName, testedAgainst, type RealServerName } from './tested-against.fixture.ts';

const rows: readonly Row[] = [...surfaceRows(), ...grpcMethods];
const walked = walks(rows);
const missing = await requireOrSkip(...Object.values(parts));

let servers: Map<RealServerName, Addresses>;
let ways: Map<Walk, Way>;
let bed: TestBed;

beforeAll(async () => {
  if (missing) return;
  servers = await startRealServers();
  const opened = await Promise.all(
    walked.map((walk, index) => openWay(walk, index, servers.get(walk.server) ?? expect.unreachable(walk.server))),
  );
  ways = new Map(walked.map((walk, index) => [walk, opened[index] ?? expect.unreachable(walk.title)]));
  bed = await TestBed.start({}, { more: opened.map(entryOf) });
}, 900_000);
afterAll(async () => {
  await bed?.stop();
  for (const { door } of ways?.values() ?? []) await door.close();
  await Promise.all([...(servers?.values() ?? [])].map((server) => server.stop()));
});

describe('every row', () => {
  it('is asked of a real server, or listed as one whose answers are recorded', () => {
    const recorded = rows.filter((row) => testedAgainst(row).length === 0).map(rowName);
    expect(recorded.toSorted()).toEqual(recordedOnly.toSorted());
    expect(new Set(walked.map(({ row }) => row)).size + recordedOnly.length).toBe(rows.length);
  });
});

/** KServe does what these calls ask for, and fails at saying so. */
const isUnsaid = (row: Row): boolean => isCall(row) && row.verb === 'repository' && row.nameField === 1;
const success = (row: Row): number => (isUnsaid(row) ? status.INTERNAL : isCall(row) ? status.OK : 200);
const namesIn = ({ body }: Told): string[] => body.match(/iris|digits|tiny-llm|sql-lora|demand/g) ?? [];

describe('a real server', () => {
  beforeEach(({ skip }) => skip(missing !== undefined, missing));
  const wayOf = (walk: Walk): Way => ways.get(walk) ?? expect.unreachable(walk.title);

  it.each(walked.map((walk) => [walk.title, walk] as const))(
    '%s is answered as by the server itself, which is not reached without the verb',
    async (_, walk) => {
      const way = wayOf(walk);
      const { row, model, modelName, door } = way;
      const ask = (scope: string) => askThroughGateway(way, bed.gateway.url, bed.issuer.signFor(scope));
      expect((await ask(allBut(row, model))).status).toBe(isCall(row) ? status.PERMISSION_DENIED : 403);
      expect(door.connections).toBe(0);
      const allowed = await ask(`${model}:${row.verb}`);
      expect([allowed.status, door.connections]).toEqual([success(row), 1]);
      const direct = await askDirectly(way);
      if (row.list) expect(namesIn(allowed)).toEqual(namesIn(direct).filter((name) => name === modelName));
      else expect(allowed).toEqual(direct);
      if (row.verb === 'repository') await load(way);
    },
  );

  // KServe's list of forecasters is empty: it looks for another class than its forecasts do.
  const lists = walked.filter(({ row }) => row.list && rowName(row) !== 'timeseries GET /v1/timeseries/models');
  it.each(lists.map((walk) => [walk.title, walk] as const))('%s has more models than it tells of', async (_, walk) => {
    expect(namesIn(await askDirectly(wayOf(walk))).length).toBeGreaterThan(1);
  });

  const recorded = rows.filter((row) => testedAgainst(row).length === 0).map((row) => [rowName(row), row] as const);
  it.each(recorded)('that has %s is none of these', async (_, row) => {
    for (const [server, addresses] of servers) {
      const question = questionFor(row, server, addresses);
      if (addressFor(question) === undefined) continue;
      expect([server, (await askDirectly(question)).status]).not.toEqual([server, success(row)]);
    }
  });
});
