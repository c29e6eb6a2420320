import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { issuer, row, schedule, start } from './key-ring.fixture.ts';
import type { KeyWorld } from './key-plan.ts';
import { earliestActivation, planReconcile, reconcilePlans } from './reconcile-plan.ts';
import type { ReplicaReport } from './signing-key-store.ts';
import type { KeyState, SigningKey } from './signing-key.ts';

const second = 1000;
const lead = schedule.leadTimeSeconds * second;
const period = schedule.rotateEverySeconds * second;

function report(kids: readonly string[], change: Partial<ReplicaReport> = {}): ReplicaReport {
  return { replica: 'one', jwksVersion: '', kids, algs: ['ES256'], servingSeconds: 1e6, reportedAt: start, ...change };
}

function world(keys: readonly SigningKey[], change: Partial<KeyWorld> = {}): KeyWorld {
  return { issuer, algs: ['ES256'], keys, replicas: [report(keys.map(({ kid }) => kid))], ...change };
}

/** What the plan does to each key, in words. */
function steps(keys: readonly SigningKey[], now = start, change: Partial<KeyWorld> = {}): string[] {
  const plan = planReconcile(world(keys, change), schedule, now);
  if (!plan) return [];
  return [
    plan.audit.action,
    ...plan.update.map(({ kid, state }) => `${kid} → ${state}`),
    ...plan.create.map(({ alg, state }) => `new ${alg} ${state}`),
  ];
}

const active = row('ACTIVE', { publishedAt: start - lead, activatedAt: start });
const published = row('STANDBY', { publishedAt: start });
const unpublished = row('STANDBY');
const retiring = row('RETIRING', { lastSignedExp: start / second + 50, retiredAt: start });
const alive = (now: number): Partial<KeyWorld> => ({
  replicas: [report(['active-key', 'standby-key'], { reportedAt: now })],
});

describe('the plan', () => {
  it.each<[string, SigningKey[], number, Partial<KeyWorld>, string[]]>([
    [
      'begins with a key that signs and one that waits',
      [],
      0,
      {},
      ['key.bootstrap', 'new ES256 ACTIVE', 'new ES256 STANDBY'],
    ],
    [
      'begins every ladder of a fresh issuer in one step',
      [],
      0,
      { algs: ['ES256', 'EdDSA'] },
      ['key.bootstrap', 'new ES256 ACTIVE', 'new ES256 STANDBY', 'new EdDSA ACTIVE', 'new EdDSA STANDBY'],
    ],
    ['does nothing where all is well', [active, published], 0, {}, []],
    ['makes a missing spare', [active], 0, {}, ['key.prepare', 'new ES256 STANDBY']],
    [
      'makes no first key where only revoked ones are left',
      [row('REVOKED')],
      0,
      {},
      ['key.prepare', 'new ES256 STANDBY'],
    ],
    [
      'counts a spare as published once all serve it',
      [active, unpublished],
      0,
      {},
      ['key.published', 'standby-key → STANDBY'],
    ],
    ['not while one does not', [active, unpublished], 0, { replicas: [report(['standby-key']), report([])] }, []],
    ['not while nobody does', [active, unpublished], 0, { replicas: [] }, []],
    [
      'whoever reported too long ago is not waited for',
      [active, unpublished],
      20_001,
      { replicas: [report(['standby-key'], { reportedAt: start + 1 }), report([], { reportedAt: start })] },
      ['key.published', 'standby-key → STANDBY'],
    ],
    [
      'until then it is',
      [active, unpublished],
      20_000,
      { replicas: [report(['standby-key'], { reportedAt: start + 1 }), report([], { reportedAt: start })] },
      [],
    ],
    ['does not rotate a millisecond early', [active, published], period - 1, alive(start + period - 1), []],
    [
      'rotates when it is due',
      [active, published],
      period,
      alive(start + period),
      ['key.rotate', 'active-key → RETIRING', 'standby-key → ACTIVE', 'new ES256 STANDBY'],
    ],
    [
      'does not promote a spare a millisecond young',
      [{ ...active, activatedAt: start - period }, published],
      lead - 1,
      alive(start + lead - 1),
      [],
    ],
    [
      'promotes it then, though late',
      [{ ...active, activatedAt: start - period }, published],
      lead,
      alive(start + lead),
      ['key.rotate', 'active-key → RETIRING', 'standby-key → ACTIVE', 'new ES256 STANDBY'],
    ],
    [
      'does not promote before the JWKS could be read for a lead time',
      [{ ...active, activatedAt: start - period }, published],
      2 * lead,
      { replicas: [report([], { reportedAt: start + 2 * lead, servingSeconds: schedule.leadTimeSeconds - 0.001 })] },
      [],
    ],
    ['keeps what may be in use', [active, published, retiring], 70_000, alive(start + 70_000), []],
    [
      'lets go of it then',
      [active, published, retiring],
      70_001,
      alive(start + 70_001),
      ['key.retire', 'retiring-key → RETIRED'],
    ],
    [
      'revokes a suspect key then',
      [active, published, { ...retiring, state: 'SUSPECT' }],
      70_001,
      alive(start + 70_001),
      ['key.revoke', 'retiring-key → REVOKED'],
    ],
    [
      'keeps a key of which nothing is written down for a whole token life',
      [active, published, row('RETIRING', { retiredAt: start })],
      330_000,
      alive(start + 330_000),
      [],
    ],
    [
      'lets a further ladder wait',
      [active, published],
      0,
      { algs: ['ES256', 'EdDSA'] },
      ['key.prepare', 'new EdDSA STANDBY'],
    ],
    [
      'begins to sign with a further ladder once its spare is known',
      [active, published, row('STANDBY', { kid: 'ed', alg: 'EdDSA', publishedAt: start })],
      lead,
      { algs: ['EdDSA', 'ES256'], ...alive(start + lead) },
      ['key.rotate', 'ed → ACTIVE', 'new EdDSA STANDBY'],
    ],
    [
      'ends a ladder nobody keeps, once another one signs',
      [
        active,
        published,
        row('ACTIVE', { kid: 'rs', alg: 'RS256', activatedAt: start }),
        row('STANDBY', { kid: 'rt', alg: 'RS256' }),
      ],
      0,
      {},
      ['key.ladder-end', 'rs → RETIRING', 'rt → RETIRED'],
    ],
  ])('%s', (_, keys, after, change, expected) => {
    expect(steps(keys, start + after, change)).toEqual(expected);
  });

  it.each([
    ['another replica keeps it', { replicas: [report([], { algs: ['RS256'] })] }],
    ['nobody is known to serve', { replicas: [] }],
  ])('does not end a ladder while %s', (_, change) => {
    const keys = [active, published, row('ACTIVE', { kid: 'rs', alg: 'RS256', activatedAt: start })];
    expect(steps(keys, start, change)).toEqual([]);
  });

  it('does not let one step that cannot be taken stand before the others', () => {
    const keys = [active, retiring];
    const actions = reconcilePlans(world(keys), schedule, start + 100_000).map(({ audit }) => audit.action);
    expect(actions).toEqual(['key.prepare', 'key.retire']);
  });

  it('destroys private parts, and counts every change of a row', () => {
    const plan = planReconcile(world([active, published], alive(start + period)), schedule, start + period);
    expect(plan?.update.map(({ sealed, version }) => [sealed !== undefined, version])).toEqual([
      [false, 2],
      [true, 2],
    ]);
  });
});

const states: KeyState[] = ['STANDBY', 'ACTIVE', 'RETIRING', 'SUSPECT', 'REVOKED'];
const time = fc.integer({ min: start - 3 * period, max: start + 3 * period });
const anyKey = fc
  .record({
    state: fc.constantFrom(...states),
    alg: fc.constantFrom('ES256' as const, 'EdDSA' as const),
    createdAt: time,
    publishedAt: fc.option(time, { nil: undefined }),
    activatedAt: time,
    lastSignedExp: fc.option(fc.integer({ min: start / 1000 - 2000, max: start / 1000 + 2000 }), { nil: undefined }),
  })
  .map(({ state, alg, publishedAt, lastSignedExp, ...times }) =>
    row(state, {
      kid: `${alg}-${state}`,
      alg,
      ...times,
      ...(publishedAt !== undefined && { publishedAt }),
      ...(lastSignedExp !== undefined && { lastSignedExp }),
    }),
  );
const anyWorld = fc
  .uniqueArray(anyKey, { selector: ({ kid }) => kid })
  .map((keys) => world(keys, { algs: ['ES256', 'EdDSA'] }));

describe('whatever the database says', () => {
  it('no plan promotes a key before its time, makes a first key among others, or brings one back', () => {
    fc.assert(
      fc.property(anyWorld, time, (any, now) => {
        for (const { update, create } of reconcilePlans(any, schedule, now)) {
          if (any.keys.length > 0) expect(create.every(({ state }) => state === 'STANDBY')).toBe(true);
          for (const key of update) {
            const before = any.keys.find(({ kid }) => kid === key.kid)?.state;
            if (key.state === 'ACTIVE') expect(now).toBeGreaterThanOrEqual(earliestActivation(key, schedule));
            expect(states.indexOf(before ?? 'REVOKED')).toBeLessThanOrEqual(
              key.state === 'RETIRED' ? 2 : states.indexOf(key.state),
            );
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('a plan says the same twice, and is a step that leads somewhere', () => {
    fc.assert(
      fc.property(anyWorld, time, (any, now) => {
        const plan = planReconcile(any, schedule, now);
        expect(planReconcile(any, schedule, now)).toEqual(plan);
        if (plan) expect(plan.update.length + plan.create.length).toBeGreaterThan(0);
      }),
    );
  });
});
