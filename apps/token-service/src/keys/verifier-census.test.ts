import { StoreUnavailable } from '@modelgate/core';
import { JwksReaders, type JwksReader, type KeySchedule, type ReaderSighting } from '@modelgate/keys';
import { createLogger, TrustedProxies } from '@modelgate/nest';
import { beforeEach, describe, expect, it } from 'vitest';
import { VerifierCensus } from './verifier-census.ts';

const schedule: KeySchedule = {
  rotateEverySeconds: 86_400,
  leadTimeSeconds: 400,
  jwksMaxAgeSeconds: 300,
  maxTokenTtlSeconds: 3600,
  skewSeconds: 60,
  propagationSeconds: 10,
};

/** What was told to the database, which may be away. */
class ToldReaders extends JwksReaders {
  told: ReaderSighting[] = [];
  listed: JwksReader[] = [];
  away = false;

  async add(_issuer: string, sightings: readonly ReaderSighting[]): Promise<void> {
    await Promise.resolve();
    if (this.away) throw new StoreUnavailable('the database does not answer');
    this.told.push(...sightings);
  }

  list(): Promise<{ now: number; readers: JwksReader[] }> {
    return Promise.resolve({ now: 100_000_000, readers: this.listed });
  }

  forget(): Promise<number> {
    return Promise.resolve(0);
  }
}

let readers: ToldReaders;
let census: VerifierCensus;
let seconds: number;
let lines: string[];
beforeEach(() => {
  readers = new ToldReaders();
  seconds = 1000;
  lines = [];
  census = new VerifierCensus({
    readers,
    issuer: 'https://tokens.example.com',
    schedule,
    proxies: new TrustedProxies(['10.9.0.0/16']),
    monotonic: () => seconds * 1000,
    logger: createLogger('token-service', 'info', { write: (line: string) => void lines.push(line) }),
  });
});

function read(userAgent: string | undefined, remoteAddress: string, forwarded?: string): void {
  census.record({
    headers: {
      ...(userAgent !== undefined && { 'user-agent': userAgent }),
      ...(forwarded !== undefined && { 'x-forwarded-for': forwarded }),
    },
    socket: { remoteAddress },
  });
}

describe('the census of one replica', () => {
  it('tells of each user agent at each address how often it came and how long ago, and begins anew', async () => {
    read('istiod', '10.0.0.7');
    seconds += 30;
    read('istiod', '10.0.0.7');
    read('istiod', '10.0.0.8');
    read(undefined, '10.0.0.7');
    seconds += 5;
    await census.write();
    expect(readers.told).toEqual([
      { userAgent: 'istiod', source: '10.0.0.7', requests: 2, agesSeconds: [35, 5] },
      { userAgent: 'istiod', source: '10.0.0.8', requests: 1, agesSeconds: [5] },
      { userAgent: 'none', source: '10.0.0.7', requests: 1, agesSeconds: [5] },
    ]);
    readers.told = [];
    await census.write();
    expect(readers.told).toEqual([]);
  });

  it('tells verifiers apart behind a balancer that names them', async () => {
    read('jose/v6.2.18', '10.9.0.1', '203.0.113.5');
    read('jose/v6.2.18', '10.9.0.1', '203.0.113.6');
    read('jose/v6.2.18', '192.0.2.1', '203.0.113.5');
    await census.write();
    expect(readers.told.map(({ source }) => source)).toEqual(['203.0.113.5', '203.0.113.6', '192.0.2.1']);
  });

  it('keeps what it could not tell, with how long ago it was, for the next time', async () => {
    readers.away = true;
    read('istiod', '10.0.0.7');
    await census.write();
    seconds += 60;
    read('istiod', '10.0.0.7');
    await census.write();
    expect(readers.told).toEqual([]);
    readers.away = false;
    seconds += 60;
    await census.write();
    expect(readers.told).toEqual([{ userAgent: 'istiod', source: '10.0.0.7', requests: 2, agesSeconds: [120, 60] }]);
  });

  it('holds no more than it has room for, whoever comes with whatever name, and although nothing can be told', async () => {
    readers.away = true;
    for (let round = 0; round < 3; round++) {
      for (let name = 0; name < 500; name++) read(`flood-${round}-${name}`, '10.0.0.7');
      await census.write();
    }
    readers.away = false;
    await census.write();
    expect(readers.told).toHaveLength(200);
  });

  it('counts requests in quick succession, and keeps the time of one of them', async () => {
    for (let request = 0; request < 1000; request++) {
      read(`Mozilla/5.0 \u0007${'x'.repeat(200)}`, '10.0.0.7');
      seconds += 0.1;
    }
    await census.write();
    const [{ userAgent, requests, agesSeconds } = { userAgent: '', requests: 0, agesSeconds: [] }] = readers.told;
    expect(userAgent).toMatch(/^Mozilla\/5\.0 \?x{67}$/);
    expect(requests).toBe(1000);
    expect(agesSeconds).toHaveLength(JwksReaders.kept.readings);
    expect(agesSeconds[0]).toBeGreaterThan(agesSeconds.at(-1) ?? 0);
  });

  it('says in the log who is slower than declared, with its address, and nothing of the others', async () => {
    const every = (hours: number): number[] => [4, 3, 2].map((times) => 100_000_000 - times * hours * 3_600_000);
    readers.listed = [
      { userAgent: 'smallstep', source: '203.0.113.5', requests: 3, readAt: every(5) },
      { userAgent: 'Envoy', source: '203.0.113.6', requests: 3, readAt: every(0.05) },
    ];
    await census.review();
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({
        level: expect.anything() as unknown,
        userAgent: 'smallstep',
        source: '203.0.113.5',
        reason: expect.stringContaining('every 18000 s') as string,
      }),
    ]);
  });
});
