import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { adminToken } from '../admin-api/admin.fixture.ts';
import { adminCommand, GuideDeployment, until, type Ran } from './keys-guide.fixture.ts';

const guide = readFileSync(fileURLToPath(new URL('../../../../docs/guides/signing-keys.md', import.meta.url)), 'utf8');
/** The blocks of each chapter, in order. */
const blocks = new Map<string, string[]>();
let chapter = '';
for (const [, heading, commands] of guide.matchAll(/^## (.+)$|^```sh\n([\s\S]*?)^```$/gm)) {
  chapter = heading ?? chapter;
  blocks.set(chapter, [...(blocks.get(chapter) ?? []), ...(commands === undefined ? [] : [commands])]);
}

let live: GuideDeployment;
beforeEach(({ skip }) => {
  skip(!existsSync(adminCommand), 'the token service is not built: npm run build');
});
beforeAll(async () => {
  live = await GuideDeployment.start();
}, 180_000);
afterAll(() => live.stop());

/** The blocks of a chapter one after the other; each must succeed. */
function chapterOf(name: string): (more?: Record<string, string>) => Promise<Ran> {
  const left = [...(blocks.get(name) ?? [])];
  return async (more) => {
    const ran = await live.run(left.shift() ?? 'false', more);
    expect(ran.errors).toBe('');
    expect(ran.code).toBe(0);
    return ran;
  };
}

const parsed = (ran: Ran): Record<string, unknown> => JSON.parse(ran.output) as Record<string, unknown>;
const spareIsReady = (): Promise<void> =>
  until(async () => (await live.keys()).some(({ readiness }) => readiness?.ready));
const kekIds = (): string[] =>
  (
    JSON.parse(readFileSync(live.deployment.environment['KEK_FILE'] ?? '', 'utf8')) as { keks: { id: string }[] }
  ).keks.map(({ id }) => id);

/** One signs and one waits, of each algorithm that is kept; and tokens are issued. */
async function allIsWell(...algs: string[]): Promise<void> {
  const keys = await live.keys();
  for (const state of ['ACTIVE', 'STANDBY']) {
    const found = keys.filter((key) => key.state === state).map(({ alg }) => alg);
    expect(found.toSorted(), state).toEqual(algs.toSorted());
  }
  await until(async () => (await live.issued()) !== undefined);
}

describe('the guide to the signing keys', () => {
  it('has the blocks that are run here, and no other', () => {
    expect(Object.fromEntries([...blocks].map(([name, of]) => [name, of.length]))).toEqual({
      Look: 2,
      'Rotate now': 2,
      'A key may have leaked': 3,
      'Change the algorithm': 4,
      'Change the key-encryption key': 5,
      'A backup was restored': 2,
    });
  });

  it('looks, with every token that is in use, and changes nothing', async () => {
    const next = chapterOf('Look');
    await spareIsReady();
    const active = await live.only('ACTIVE');
    const before = await live.auditOf('key.published');
    await live.issued();
    const { keys } = parsed(await next()) as { keys: { kid: string; liveTokens: number }[] };
    expect(keys.find(({ kid }) => kid === active)?.liveTokens).toBeGreaterThanOrEqual(1);
    const steps = JSON.parse((await next()).output) as { action: string }[];
    expect(steps.map(({ action }) => action)).toContain('key.rotate');
    expect([await live.only('ACTIVE'), await live.auditOf('key.published')]).toEqual([active, before]);
  });

  it('rotates', async () => {
    await spareIsReady();
    const [active, spare] = [await live.only('ACTIVE'), await live.only('STANDBY')];
    const next = chapterOf('Rotate now');
    const answer = { active: spare, retiring: active, blastRadius: [] };
    expect(parsed(await next())).toEqual({ dryRun: true, ...answer });
    expect([await live.only('ACTIVE'), await live.auditOf('key.rotate')]).toEqual([active, []]);
    const { result } = await live.underLoad(next);
    expect(parsed(result)).toEqual(answer);
    expect(await live.stateOf(active)).toBe('RETIRING');
    expect((await live.auditOf('key.rotate')).at(-1)).toEqual({
      actor: expect.stringMatching(/^shell\|./) as string,
      reason: 'quarterly drill',
      kid: spare,
    });
    await allIsWell('ES256');
  });

  it('suspects, revokes, and replaces the spare', async () => {
    const next = chapterOf('A key may have leaked');
    const suspect = await live.only('ACTIVE');
    await next({ ACTIVE: suspect });
    expect(await live.stateOf(suspect)).toBe('SUSPECT');
    const leaked = await live.only('ACTIVE');
    await next({ ACTIVE: leaked });
    expect(await live.stateOf(leaked)).toBe('REVOKED');
    const spare = await live.only('STANDBY');
    await next();
    const fresh = await live.only('STANDBY');
    expect(fresh).not.toBe(spare);
    for (const [action, kid, reason] of [
      ['key.suspect', suspect, /^forced: laptop stolen/],
      ['key.revoke', leaked, /^forced: key published by mistake/],
      ['key.prepare', fresh, /^spare seen in a core dump$/],
    ] as const) {
      expect((await live.auditOf(action)).at(-1)).toEqual({
        actor: expect.stringMatching(/^shell\|./) as string,
        reason: expect.stringMatching(reason) as string,
        kid,
      });
    }
    await allIsWell('ES256');
  });

  it('changes the algorithm while tokens are exchanged, and back, and none is refused', async () => {
    const next = chapterOf('Change the algorithm');
    const old = await live.only('ACTIVE');
    const swapBack = 'kubectl set env deployment/token-service KEYS_ALG=ES256 KEYS_FURTHER_ALGS=EdDSA';
    const { refused, issued } = await live.underLoad(async () => {
      await next();
      await until(async () => (await live.keys()).some(({ alg, state }) => alg === 'EdDSA' && state === 'ACTIVE'));
      expect((await live.issued())?.alg).toBe('ES256');
      expect((await next()).output).toContain('EdDSA');
      await next();
      for (const replica of live.replicas) expect((await live.issued(replica))?.alg).toBe('EdDSA');
      await live.run(`${swapBack}\nkubectl rollout status deployment/token-service`);
      for (const replica of live.replicas) expect((await live.issued(replica))?.alg).toBe('ES256');
      await live.run(blocks.get('Change the algorithm')?.[2] ?? 'false');
      await next();
      await until(async () => (await live.stateOf(old)) === 'RETIRING');
    });
    expect([refused, issued > 50]).toEqual([[], true]);
    expect((await live.issued())?.alg).toBe('EdDSA');
    await allIsWell('EdDSA');
  }, 300_000);

  it('changes the key-encryption key while tokens are exchanged, and back, and none is refused', async ({ skip }) => {
    skip((await live.run('command -v jq && command -v openssl')).code !== 0, 'jq or openssl is not there');
    const next = chapterOf('Change the key-encryption key');
    const sealed = [await live.only('ACTIVE', 'EdDSA'), await live.only('STANDBY', 'EdDSA')].toSorted();
    const moved = async (): Promise<string[]> => (parsed(await next())['kids'] as string[]).toSorted();
    const [old = ''] = kekIds();
    const { refused, issued } = await live.underLoad(async () => {
      await next();
      expect(kekIds()).toEqual([old, 'kek-2027']);
      expect(await moved()).toEqual(sealed);
      await next();
      expect(kekIds()).toEqual(['kek-2027', old]);
      expect(await moved()).toEqual(sealed);
      expect(parsed(await next())).toEqual({ kids: [] });
      expect(kekIds()).toEqual([old]);
    });
    expect([refused, issued > 50]).toEqual([[], true]);
    const reasons = ['yearly change of the key-encryption key', 'the new key-encryption key is not in the backup yet'];
    const audited = (await live.auditOf('key.rewrap')).map(({ reason, kid }) => `${kid}: ${reason}`);
    expect(audited.toSorted()).toEqual(
      sealed.flatMap((kid) => reasons.map((reason) => `${kid}: ${reason}`)).toSorted(),
    );
    await allIsWell('EdDSA');
  }, 300_000);

  it('restores with a replica that remembers, and without one', async () => {
    const next = chapterOf('A backup was restored');
    await live.backUp();
    await until(async () => (await live.issued()) !== undefined);
    const leaked = await live.only('ACTIVE', 'EdDSA');
    await live.run(`modelgate-admin keys revoke --kid "${leaked}" --reason leaked --force`);
    await until(async () => (await live.issued())?.kid !== leaked);
    await live.restoreBackup();
    await until(async () => (await live.issued()) === undefined);
    expect(await live.stateOf(leaked)).toBe('ACTIVE');
    expect((await fetch(`${live.replicas[0]?.url}/.well-known/jwks.json`)).status).toBe(200);
    await next({
      ADMIN_URL: live.replicas[0]?.adminUrl ?? '',
      ADMIN_TOKEN: adminToken(live.realm, 'key-custodian'),
    });
    expect(await live.stateOf(leaked)).toBe('REVOKED');
    await allIsWell('EdDSA');

    await live.stopReplicas();
    await live.backUp();
    const revoked = await live.only('ACTIVE', 'EdDSA');
    await live.run(`modelgate-admin keys revoke --kid "${revoked}" --reason leaked --force`);
    await live.restoreBackup();
    expect(await live.stateOf(revoked)).toBe('ACTIVE');
    await next({ REVOKED_SINCE: revoked });
    expect(await live.stateOf(revoked)).toBe('REVOKED');
    await live.startReplicas();
    expect((await live.issued())?.kid).not.toBe(revoked);
    await allIsWell('EdDSA');
  }, 300_000);
});

describe('modelgate-admin', () => {
  it('refuses a rotation while the spare is too young, with the time', async () => {
    await live.run('modelgate-admin keys prepare --reason test');
    const young = await live.run('modelgate-admin keys rotate --reason test');
    expect([young.code, young.errors]).toEqual([75, expect.stringContaining('earliest activation')]);
  });

  it.each([
    ['keys rotate', 64, /needs a --reason/],
    ['keys list --colour', 64, /--colour/],
    ['keys rehearse --within soon', 64, /--within is a whole number/],
    ['keys revoke --kid nobody --reason test', 75, /no such key/],
    ['keys revoke --kid -a-kid-may-begin-so --reason test', 75, /no such key/],
  ])('%s: exit %i, in a sentence', async (line, code, sentence) => {
    const ran = await live.run(`modelgate-admin ${line}`);
    expect([ran.code, ran.errors, ran.output]).toEqual([code, expect.stringMatching(sentence), '']);
    expect(ran.errors).not.toMatch(/^\s+at /m);
  });

  it('looks, and revokes, where the file of key-encryption keys is lost', async () => {
    const lost = { KEK_FILE: `${live.deployment.environment['KEK_FILE']}.lost` };
    const admin = `. "${live.deployment.folder}/environment"; export KEK_FILE="${lost.KEK_FILE}"; "${process.execPath}" "${adminCommand}"`;
    const list = await live.run(`${admin} keys list`);
    expect([list.code, list.errors]).toEqual([0, '']);
    const active = await live.only('ACTIVE', 'EdDSA');
    const spare = await live.only('STANDBY', 'EdDSA');
    const rewrap = await live.run(`${admin} keys rewrap --reason test`);
    expect([rewrap.code, rewrap.errors]).toEqual([69, expect.stringContaining(`${lost.KEK_FILE} is missing`)]);
    const revoke = await live.run(`${admin} keys revoke --kid "${active}" --reason test --force`);
    expect(parsed(revoke)).toMatchObject({ kid: active, active: spare });
    expect(existsSync(lost.KEK_FILE)).toBe(false);
    await sleep(1_000);
    await allIsWell('EdDSA');
  });
});
