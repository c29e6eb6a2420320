import { KeyConflict, type KeyRing, type KeySchedule } from '@modelgate/keys';
import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bystander } from './bystander.fixture.ts';
import { Database } from './database.ts';
import { migrate } from './migrate.ts';
import { CutWire, issuer, replicaAt, rowsAt, schedule } from './rotation.fixture.ts';

const migrations = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));
/** Nothing but the transition is due while a test runs, however slow the machine is. */
const times: KeySchedule = {
  ...schedule,
  rotateEverySeconds: 3600,
  leadTimeSeconds: 0.02,
  maxTokenTtlSeconds: 3600,
  propagationSeconds: 60,
};
let server: PostgresServer & { stop(): Promise<void> };
let url: string;
let database: Database;
beforeAll(async () => {
  server = await postgres.start();
  url = await server.createDatabase('killed');
  await migrate(url, migrations);
  database = new Database(url, { maxConnections: 1 });
  const first = replicaAt(url, times);
  await first.ring.reconcile();
  await first.ring.reconcile();
  await first.close();
  // As if everything had been there for two hours, and signed for half of one.
  await run(
    `UPDATE signing_keys SET created_at = created_at - interval '2 hours', published_at = published_at - interval '2 hours',
      activated_at = activated_at - interval '30 minutes'`,
    'CREATE TABLE settled_keys AS SELECT * FROM signing_keys',
  );
});
afterAll(async () => {
  await database.close();
  await server.stop();
});

async function run(...statements: string[]): Promise<void> {
  for (const statement of statements) await database.run((queries) => queries.$executeRawUnsafe(statement));
}

interface Transition {
  /** What makes it possible. */
  before?: string;
  carryOut: (ring: KeyRing, kid: string) => Promise<unknown>;
  /** What becomes of the key that signed. */
  leaves: 'RETIRING' | 'SUSPECT' | 'REVOKED';
  /** What the audit log calls it. */
  action: string;
}

const change = { reason: 'leaked', requestId: 'r-1' };
const transitions: Record<string, Transition> = {
  rotation: {
    before: `UPDATE signing_keys SET activated_at = activated_at - interval '1 hour' WHERE state = 'ACTIVE'`,
    carryOut: (ring) => ring.reconcile(),
    leaves: 'RETIRING',
    action: 'key.rotate',
  },
  'withdrawal of a suspect key': {
    carryOut: (ring, kid) => ring.suspect({ ...change, kid }),
    leaves: 'SUSPECT',
    action: 'key.suspect',
  },
  revocation: { carryOut: (ring, kid) => ring.revoke({ ...change, kid }), leaves: 'REVOKED', action: 'key.revoke' },
};

/** One kill: a database as it was before, a process that dies in the transition, and a bystander. */
class Kill {
  readonly #transition: Transition;
  #active = '';

  private constructor(transition: Transition) {
    this.#transition = transition;
  }

  static async prepare(transition: Transition): Promise<Kill> {
    await run(
      'TRUNCATE signing_keys, key_replicas, audit_events',
      'INSERT INTO signing_keys SELECT * FROM settled_keys',
      ...(transition.before === undefined ? [] : [transition.before]),
    );
    const kill = new Kill(transition);
    kill.#active = (await kill.#only('ACTIVE')).kid;
    return kill;
  }

  /** @returns false where the transition needed fewer statements, and was not killed */
  async carryOut(last: number, after: boolean): Promise<boolean> {
    const bystander = await Bystander.at(url, times);
    const wire = await CutWire.to(url, last, after);
    const dying = replicaAt(wire.url, times);
    await bystander.watch(this.#transition.carryOut(dying.ring, this.#active).catch(() => undefined));
    const { wasCut } = wire;
    await dying.close().catch(() => undefined);
    await wire.close();
    await this.#expectWholeOrNothing();
    await bystander.watch(this.#converge());
    expect(bystander.violations).toEqual([]);
    expect(bystander.looks).toBeGreaterThanOrEqual(5);
    await bystander.close();
    return wasCut;
  }

  /** The keys and the audit log say the same: nothing happened, or all of it. */
  async #expectWholeOrNothing(): Promise<void> {
    const { action, leaves } = this.#transition;
    const rows = await rowsAt(database);
    const events = await database.run((queries) => queries.auditEvent.count({ where: { action } }));
    const states = rows.map(({ state }) => state).toSorted();
    const [untouched, done] = [['ACTIVE', 'STANDBY'], ['ACTIVE', 'STANDBY', leaves].toSorted()];
    expect(states).toEqual(events === 0 ? untouched : done);
    expect((await this.#only('ACTIVE')).kid === this.#active).toBe(events === 0);
  }

  /** The next tick goes on from what was left; what an operator asked for, and was not told of, is asked for again. */
  async #converge(): Promise<void> {
    const { carryOut, leaves } = this.#transition;
    const next = replicaAt(url, times);
    try {
      await next.ring.reconcile();
      await carryOut(next.ring, this.#active).catch((error: unknown) => {
        if (!(error instanceof KeyConflict)) throw error;
      });
      const gone = (await rowsAt(database)).find(({ kid }) => kid === this.#active);
      expect(gone).toMatchObject({ state: leaves, sealed: null });
      const [active, standby] = [await this.#only('ACTIVE'), await this.#only('STANDBY')];
      expect(next.ring.signer().kid).toBe(active.kid);
      const kept = leaves === 'REVOKED' ? [] : [this.#active];
      expect(next.ring.jwks().kids.toSorted()).toEqual([...kept, active.kid, standby.kid].toSorted());
      expect(next.ring.revokedKids()).toEqual(leaves === 'REVOKED' ? [this.#active] : []);
    } finally {
      await next.close();
    }
  }

  async #only(state: string): Promise<{ kid: string }> {
    const [key, ...others] = (await rowsAt(database)).filter((row) => row.state === state);
    if (!key || others.length > 0) throw new Error(`not one ${state} key of ${issuer}`);
    return key;
  }
}

/** Dies at the first statement, at the second, and so on, until the transition needs no more. @returns at how many */
async function killAtEach(name: string, transition: Transition, after: boolean): Promise<number> {
  const when = after ? 'after' : 'before';
  for (let last = 1; ; last++) {
    const kill = await Kill.prepare(transition);
    const wasCut = await kill.carryOut(last, after).catch((error: unknown) => {
      throw new Error(`${name}, statement ${last}, ${when} it is carried out`, { cause: error });
    });
    if (!wasCut) return last - 1;
  }
}

describe('a process that is killed at any statement, before or after it is carried out, leaves what the next tick goes on from, and the JWKS holds throughout', () => {
  for (const [name, transition] of Object.entries(transitions)) {
    it(`in a ${name}`, { timeout: 300_000 }, async ({ task }) => {
      const killPoints = (await killAtEach(name, transition, false)) + (await killAtEach(name, transition, true));
      Object.assign(task.meta, { killPoints });
      expect(killPoints).toBeGreaterThan(10);
    });
  }
});
