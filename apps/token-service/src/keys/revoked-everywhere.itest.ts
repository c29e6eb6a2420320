import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AdminBed } from '../admin-api/admin.fixture.ts';
import { exchange, type Running } from '../token-service.fixture.ts';

/** A tick every 75 s: what the other replica hears of before that, it was told. */
const slowTicks = { KEYS_PROPAGATION: '5m', KEYS_LEAD_TIME: '6m' };
let bed: AdminBed;
let other: Running;
beforeAll(async () => {
  bed = await AdminBed.start(undefined, slowTicks);
  other = await bed.deployment.start();
});
afterAll(() => bed.stop());

async function listed(path: string): Promise<string[]> {
  const body = (await (await fetch(other.url + path)).json()) as { kids?: string[]; keys?: { kid: string }[] };
  return body.kids ?? body.keys?.map(({ kid }) => kid) ?? [];
}

async function signingKey(): Promise<string | undefined> {
  const { access_token: token } = (await (await exchange(other.url, bed.realm.token())).json()) as {
    access_token?: string;
  };
  const header = Buffer.from(token?.split('.')[0] ?? '', 'base64url').toString();
  return token === undefined ? undefined : (JSON.parse(header) as { kid: string }).kid;
}

it('a key that is revoked at one replica is refused, unlisted and unused at the other within a second', async () => {
  const times: number[] = [];
  for (let turn = 0; turn < 3; turn++) {
    const active = await signingKey();
    const change = { reason: 'leaked', force: true };
    const revoked = await bed.call('POST', `/keys/${active}/revoke`, bed.admin('key-custodian'), change);
    expect(revoked.status).toBe(200);
    times.push(
      await until(async () => {
        const [feed, jwks, signs] = await Promise.all([
          listed('/revocations'),
          listed('/.well-known/jwks.json'),
          signingKey(),
        ]);
        return feed.includes(active ?? '') && !jwks.includes(active ?? '') && signs === revoked.body['active'];
      }),
    );
  }
  // The slower ones say how busy the machine was.
  expect(Math.min(...times)).toBeLessThan(1_000);
});

/** @returns after how many milliseconds */
async function until(holds: () => Promise<boolean>): Promise<number> {
  const since = performance.now();
  while (!(await holds())) {
    if (performance.now() - since > 30_000) throw new Error('it did not come true within 30 s');
    await sleep(20);
  }
  return performance.now() - since;
}
