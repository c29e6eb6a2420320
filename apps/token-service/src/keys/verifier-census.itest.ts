import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { adminToken, admitAdmins, quickKeys } from '../admin-api/admin.fixture.ts';
import { Deployment, RealmDouble, type Running } from '../token-service.fixture.ts';

/** A reading may take 3 s, and one more for the skew. */
const settings = {
  ...quickKeys,
  KEYS_VERIFIERS: 'declared=3s',
  KEYS_LEAD_TIME: '6s',
  KEYS_PROPAGATION: '2s',
  ADMIN_PORT: '0',
};
const tolerated = 4;
let server: PostgresServer & { stop(): Promise<void> };
let realm: RealmDouble;
let deployment: Deployment;
let replicas: [Running, Running];
beforeAll(async () => {
  [server, realm] = await Promise.all([postgres.start(), new RealmDouble().start()]);
  deployment = new Deployment(realm.url, server.url, settings);
  admitAdmins(deployment);
  replicas = [await deployment.start(), await deployment.start()];
});
afterAll(async () => {
  await deployment.stop();
  await realm.stop();
  await server.stop();
});

/** Reads at one replica and then at the other, as behind a balancer. @returns when, in seconds */
async function readInTurn(userAgent: string, everySeconds: number, times: number): Promise<number[]> {
  const at: number[] = [];
  for (let time = 0; time < times; time++) {
    if (time > 0) await sleep(everySeconds * 1000);
    at.push(performance.now() / 1000);
    const url = `${replicas[time % 2 === 0 ? 0 : 1].url}/.well-known/jwks.json`;
    const answer = await fetch(url, { headers: { 'user-agent': userAgent } });
    expect(answer.status).toBe(200);
  }
  return at;
}

interface Listed {
  verifiers: { userAgent: string; source: string; requests: number; everySeconds: number; warning?: string }[];
  problems: string[];
}

async function listedBy({ adminUrl }: Running): Promise<Listed> {
  const headers = { authorization: `Bearer ${adminToken(realm, 'viewer')}` };
  return (await (await fetch(`${adminUrl}/admin/v1/keys`, { headers })).json()) as Listed;
}

it('of two replicas that each see every other request, both know who is slower than declared, and who is not', async () => {
  const [steady] = await Promise.all([readInTurn('steady/1.0', 2.2, 8), readInTurn('slow/1.0', 6, 3)]);
  const atOneReplica = steady.slice(2).map((at, index) => at - (steady[index] ?? 0));
  expect(Math.min(...atOneReplica)).toBeGreaterThan(tolerated);
  // Until both replicas count as having told of what they saw, and have.
  await sleep(4_500);
  for (const replica of replicas) {
    const { verifiers, problems } = await vi.waitFor(
      async () => {
        const listed = await listedBy(replica);
        expect(listed.verifiers.map(({ requests }) => requests)).toEqual(expect.arrayContaining([3, 8]));
        return listed;
      },
      { timeout: 30_000, interval: 200 },
    );
    const [slow, quick] = ['slow/1.0', 'steady/1.0'].map((name) =>
      verifiers.find(({ userAgent }) => userAgent === name),
    );
    expect(slow).toMatchObject({ source: '127.0.0.1', requests: 3 });
    expect(slow?.everySeconds).toBeGreaterThan(5.5);
    expect(slow?.warning).toMatch(/^reads every \d+ s; .*declared, every 3 s/);
    expect(quick).toMatchObject({ source: '127.0.0.1', requests: 8 });
    expect(quick?.everySeconds).toBeLessThan(tolerated);
    expect(quick).not.toHaveProperty('warning');
    expect(problems.filter((problem) => problem.includes('declared'))).toEqual([
      `slow/1.0 at 127.0.0.1 ${slow?.warning}`,
    ]);
  }
});
