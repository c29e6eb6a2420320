import { ManualClock, SigningPair } from '@modelgate/testing';
import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HttpAnswer, HttpGet } from './http-get.ts';
import { JwksManager, JwksUnavailable, type JwksEvent, type JwksManagerOptions } from './jwks-manager.ts';
import { answer, jwks } from './signing.fixture.ts';

const first = new SigningPair('ES256', 'first');
const second = new SigningPair('ES256', 'second');
const html: HttpAnswer = { status: 200, headers: new Headers(), body: Buffer.from('<html>') };

/** An endpoint whose answer a test decides, and which may be held back. */
class Endpoint {
  asked = 0;
  reply: () => HttpAnswer = () => answer(jwks(first));
  #held: (() => void)[] | undefined;

  readonly get: HttpGet = async (_url, { signal }) => {
    this.asked++;
    const reply = this.reply;
    if (this.#held) await new Promise<void>((resolve) => this.#held?.push(resolve));
    signal?.throwIfAborted();
    return reply();
  };

  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const resolve of held) resolve();
  }
}

let clock: ManualClock;
let endpoint: Endpoint;
let events: JwksEvent[];
const managers: JwksManager[] = [];

beforeEach(() => {
  clock = new ManualClock();
  endpoint = new Endpoint();
  events = [];
});
afterEach(() => {
  for (const manager of managers.splice(0)) manager.stop();
  vi.useRealTimers();
});

function manager(options: Partial<JwksManagerOptions> = {}): JwksManager {
  const made = new JwksManager({
    url: 'https://id.example.com/jwks',
    algorithms: ['ES256'],
    clock,
    get: endpoint.get,
    random: () => 0,
    onEvent: (event) => events.push(event),
    ...options,
  });
  managers.push(made);
  return made;
}

async function started(options?: Partial<JwksManagerOptions>): Promise<JwksManager> {
  const made = manager(options);
  await made.start();
  return made;
}

const down = () => answer({}, {}, 503);

describe('JwksManager start', () => {
  it('has the keys before it is ready', async () => {
    const keys = manager();
    expect(keys.ready()).toBe(false);
    expect(keys.peek('first', 'ES256')).toBeUndefined();
    expect(keys.ageSeconds()).toBe(Number.POSITIVE_INFINITY);
    await keys.start();
    expect(keys.ready()).toBe(true);
    expect(keys.peek('first', 'ES256')?.equals(first.publicKey)).toBe(true);
    clock.advanceSeconds(7);
    expect(keys.snapshot()).toEqual({ kids: ['first'], skipped: [], ageSeconds: 7 });
  });

  it.each([
    ['503', () => answer({}, {}, 503)],
    ['a page', () => html],
    ['an empty set', () => answer({ keys: [] })],
    ['204', () => answer(jwks(first), {}, 204)],
    ['404 with keys in it', () => answer(jwks(first), {}, 404)],
  ])('rejects, and is not ready, where the endpoint answers %s', async (_, reply) => {
    endpoint.reply = reply;
    const keys = manager();
    await expect(keys.start()).rejects.toBeInstanceOf(JwksUnavailable);
    expect(keys.ready()).toBe(false);
    expect(events).toEqual([{ type: 'failed', error: expect.anything() }]);
  });

  it('asks with a cap on size and time', async () => {
    const get = vi.fn<HttpGet>(async () => answer(jwks(first)));
    await started({ get });
    expect(get.mock.calls[0]?.[1]).toMatchObject({ maxBytes: 256 * 1024, timeoutMs: 3000 });
  });

  it('answers for its algorithms alone', async () => {
    const rsa = new SigningPair('RS256', 'rsa');
    endpoint.reply = () => answer({ keys: [first.publicJwk, rsa.publicJwk, null] });
    const keys = await started();
    expect(keys.snapshot()).toMatchObject({ kids: ['first', 'rsa'], skipped: ['2: not an object'] });
    expect(keys.peek('rsa', 'RS256')).toBeUndefined();
    expect(await keys.find('rsa', 'RS256')).toBeUndefined();
    expect(await keys.find('first', 'none')).toBeUndefined();
    expect(await keys.find('unknown', 'RS256')).toBeUndefined();
    expect(endpoint.asked).toBe(1);
  });
});

describe('JwksManager in the background', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));

  it.each([
    ['what it was told', {}, 300],
    ['max-age where that is shorter', { 'cache-control': 'public, max-age=60' }, 60],
    ['max-age in any case', { 'cache-control': 'Max-Age=60' }, 60],
    ['what it was told where max-age is longer', { 'cache-control': 'max-age=86400' }, 300],
    ['what it was told for no-cache', { 'cache-control': 'no-cache' }, 300],
    ['what it was told for max-age=0', { 'cache-control': 'max-age=0' }, 300],
    ['what it was told for s-maxage', { 'cache-control': 's-maxage=5' }, 300],
  ])('renews after %s', async (_, headers, seconds) => {
    endpoint.reply = () => answer(jwks(first), headers);
    await started();
    await vi.advanceTimersByTimeAsync(seconds * 1000 - 1);
    expect(endpoint.asked).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(endpoint.asked).toBe(2);
    await vi.advanceTimersByTimeAsync(seconds * 1000);
    expect(endpoint.asked).toBe(3);
  });

  it('has a new key, and no longer the old one, after a renewal', async () => {
    const keys = await started();
    endpoint.reply = () => answer(jwks(second));
    await vi.advanceTimersByTimeAsync(300_000);
    expect(keys.peek('second', 'ES256')).toBeDefined();
    expect(keys.peek('first', 'ES256')).toBeUndefined();
  });

  it('renews once per interval, however often it fetched in between', async () => {
    const keys = await started();
    for (let i = 0; i < 5; i++) {
      clock.advanceSeconds(5);
      await keys.find(`kid-${i}`, 'ES256');
    }
    expect(endpoint.asked).toBe(6);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(endpoint.asked).toBe(7);
  });

  it('tries again soon after a failure, a start that failed included, and not in a rush', async () => {
    endpoint.reply = down;
    const keys = manager();
    await expect(keys.start()).rejects.toThrow();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(endpoint.asked).toBe(11);
    endpoint.reply = () => answer(jwks(first));
    await vi.advanceTimersByTimeAsync(2000);
    expect(keys.ready()).toBe(true);
    expect(endpoint.asked).toBe(12);
  });

  it('spreads its retries', async () => {
    endpoint.reply = down;
    await expect(started({ random: () => 0.5 })).rejects.toThrow();
    await vi.advanceTimersByTimeAsync(2999);
    expect(endpoint.asked).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(endpoint.asked).toBe(2);
  });

  it('asks nothing any more once stopped', async () => {
    const keys = await started();
    keys.stop();
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(endpoint.asked).toBe(1);
  });

  it('asks nothing any more once stopped, and drops what is under way', async () => {
    const keys = await started();
    endpoint.hold();
    await vi.advanceTimersByTimeAsync(300_000);
    expect(endpoint.asked).toBe(2);
    keys.stop();
    endpoint.reply = () => answer(jwks(second));
    endpoint.release();
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(endpoint.asked).toBe(2);
    expect(keys.peek('first', 'ES256')).toBeDefined();
    expect(events.map(({ type }) => type)).toEqual(['fetched']);
  });
});

describe('JwksManager while the endpoint fails', () => {
  it.each([
    ['503', down],
    ['a page', () => html],
    ['no key', () => answer({ keys: [] })],
    ['51 keys', () => answer({ keys: Array.from({ length: 51 }, () => second.publicJwk) })],
    ['a symmetric key', () => answer({ keys: [{ kty: 'oct', k: 'AA', kid: 'first', alg: 'HS256' }] })],
  ])('keeps what it had when the answer is %s', async (_, reply) => {
    const keys = await started();
    endpoint.reply = reply;
    await keys.find('other', 'ES256');
    expect(endpoint.asked).toBe(2);
    expect(keys.peek('first', 'ES256')?.equals(first.publicKey)).toBe(true);
  });

  it('believes its keys until they are too old, and then none of them', async () => {
    const keys = await started({ staleIfErrorSeconds: 3600 });
    endpoint.reply = down;
    clock.advanceSeconds(3600);
    expect(keys.ready()).toBe(true);
    expect(await keys.find('first', 'ES256')).toBeDefined();
    clock.advanceSeconds(1);
    expect(keys.ready()).toBe(false);
    expect(keys.peek('first', 'ES256')).toBeUndefined();
    await expect(keys.find('first', 'ES256')).rejects.toBeInstanceOf(JwksUnavailable);
  });

  it('recovers by the first call that needs a key', async () => {
    endpoint.reply = down;
    const keys = manager();
    await expect(keys.start()).rejects.toThrow();
    endpoint.reply = () => answer(jwks(first));
    expect(await keys.find('first', 'ES256')).toBeDefined();
  });

  it('asks once per window, however many kids are unknown', async () => {
    const keys = await started({ minRefetchSeconds: 5 });
    endpoint.reply = down;
    for (let i = 0; i < 100; i++) expect(await keys.find(`kid-${i}`, 'ES256')).toBeUndefined();
    expect(endpoint.asked).toBe(2);
    clock.advanceSeconds(5);
    for (let i = 0; i < 100; i++) expect(await keys.find(`kid-${i}`, 'ES256')).toBeUndefined();
    expect(endpoint.asked).toBe(3);
  });

  it('asks once per window while it never had a key', async () => {
    endpoint.reply = down;
    const keys = manager();
    for (let i = 0; i < 50; i++) await expect(keys.find(`kid-${i}`, 'ES256')).rejects.toBeInstanceOf(JwksUnavailable);
    expect(endpoint.asked).toBe(1);
  });
});

describe('JwksManager and unknown kids', () => {
  it('finds a key that was published since, by one fetch', async () => {
    const keys = await started();
    endpoint.reply = () => answer(jwks(first, second));
    expect((await keys.find('second', 'ES256'))?.equals(second.publicKey)).toBe(true);
    expect((await keys.find('second', 'ES256'))?.equals(second.publicKey)).toBe(true);
    expect(endpoint.asked).toBe(2);
  });

  it('shares one fetch among all who look at the same time', async () => {
    const keys = await started();
    endpoint.reply = () => answer(jwks(first, second));
    endpoint.hold();
    const found = Promise.all(Array.from({ length: 100 }, () => keys.find('second', 'ES256')));
    await vi.waitFor(() => expect(endpoint.asked).toBe(2));
    endpoint.release();
    expect((await found).every((key) => key?.equals(second.publicKey))).toBe(true);
    expect(endpoint.asked).toBe(2);
  });

  it('never makes a known kid wait for a fetch', async () => {
    const keys = await started();
    endpoint.hold();
    const unknown = keys.find('other', 'ES256');
    expect(await keys.find('first', 'ES256')).toBeDefined();
    endpoint.release();
    expect(await unknown).toBeUndefined();
  });

  it('asks again where the fetch under way may have been answered before the key was published', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const keys = await started();
    endpoint.hold();
    await vi.advanceTimersByTimeAsync(300_000);
    expect(endpoint.asked).toBe(2);
    endpoint.reply = () => answer(jwks(first, second));
    const found = keys.find('second', 'ES256');
    endpoint.release();
    expect((await found)?.equals(second.publicKey)).toBe(true);
    expect(endpoint.asked).toBe(3);
  });

  it('is content with what a fetch under way brings', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const keys = await started();
    endpoint.reply = () => answer(jwks(first, second));
    endpoint.hold();
    await vi.advanceTimersByTimeAsync(300_000);
    const found = keys.find('second', 'ES256');
    endpoint.release();
    expect((await found)?.equals(second.publicKey)).toBe(true);
    expect(endpoint.asked).toBe(2);
  });

  it('tells 10 000 unknown kids at once with one fetch', async () => {
    const keys = await started();
    const found = await Promise.all(Array.from({ length: 10_000 }, (_, i) => keys.find(`kid-${i}`, 'ES256')));
    expect(found.every((key) => key === undefined)).toBe(true);
    expect(endpoint.asked).toBe(2);
    expect(await keys.find('first', 'ES256')).toBeDefined();
  });

  it('does not ask for a kid it was told is missing, until the window is over', async () => {
    const keys = await started({ minRefetchSeconds: 5 });
    await keys.find('other', 'ES256');
    await keys.find('other', 'ES256');
    expect(events.filter(({ type }) => type === 'unknown-kid')).toHaveLength(1);
    clock.advanceSeconds(5);
    endpoint.reply = () => answer(jwks(first, new SigningPair('ES256', 'other')));
    expect(await keys.find('other', 'ES256')).toBeDefined();
    expect(endpoint.asked).toBe(3);
  });

  it('does not take a failure for the news that a kid is missing', async () => {
    const keys = await started({ minRefetchSeconds: 5 });
    endpoint.reply = down;
    await keys.find('second', 'ES256');
    await keys.find('second', 'ES256');
    expect(events.filter(({ type }) => type === 'unknown-kid')).toHaveLength(2);
    expect(endpoint.asked).toBe(2);
  });

  it('does not fetch for a kid it has under another algorithm', async () => {
    const keys = await started({ algorithms: ['ES256', 'ES384'] });
    expect(await keys.find('first', 'ES384')).toBeUndefined();
    expect(endpoint.asked).toBe(1);
  });

  it('is not locked out when the clock is set back', async () => {
    const keys = await started();
    await keys.find('other', 'ES256');
    clock.advanceSeconds(-3600);
    endpoint.reply = () => answer(jwks(first, second));
    expect(await keys.find('second', 'ES256')).toBeDefined();
    expect(keys.ready()).toBe(true);
  });

  it.each(['__proto__', 'constructor', '../../etc/passwd', "' or 1=1 --", 'k'.repeat(8000), ''])(
    'looks the kid %j up as a name and nothing else',
    async (kid) => {
      const get = vi.fn<HttpGet>(async () => answer(jwks(first)));
      const keys = await started({ get });
      expect(await keys.find(kid, 'ES256')).toBeUndefined();
      expect(get.mock.calls.map(([url]) => url)).toEqual(Array(2).fill('https://id.example.com/jwks'));
    },
  );
});

describe('JwksManager where calls may wait for the next window', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  const options = { minRefetchSeconds: 1, maxWaiting: 2 };

  it('finds a key that was published within the window', async () => {
    const keys = await started(options);
    await keys.find('other', 'ES256');
    endpoint.reply = () => answer(jwks(first, second));
    const found = Promise.all([keys.find('second', 'ES256'), keys.find('second', 'ES256')]);
    await waited();
    expect((await found).every((key) => key?.equals(second.publicKey))).toBe(true);
    expect(endpoint.asked).toBe(3);
  });

  it('lets no more wait than it may, and tells the others at once', async () => {
    const keys = await started(options);
    await keys.find('other', 'ES256');
    endpoint.reply = () => answer(jwks(first, second));
    const waiting = [keys.find('second', 'ES256'), keys.find('second', 'ES256')];
    expect(await keys.find('second', 'ES256')).toBeUndefined();
    await waited();
    expect(await Promise.all(waiting)).not.toContain(undefined);
  });

  it('lets others wait again after that', async () => {
    const keys = await started(options);
    for (let round = 0; round < 3; round++) {
      const waiting = [keys.find(`a-${round}`, 'ES256'), keys.find(`b-${round}`, 'ES256')];
      await waited();
      expect(await Promise.all(waiting)).toEqual([undefined, undefined]);
    }
    expect(endpoint.asked).toBeLessThanOrEqual(7);
  });

  it('lets go of them when it is stopped', async () => {
    const keys = await started(options);
    await keys.find('other', 'ES256');
    const waiting = keys.find('second', 'ES256');
    keys.stop();
    expect(await waiting).toBeUndefined();
    expect(endpoint.asked).toBe(2);
  });

  async function waited(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advanceSeconds(1);
    await vi.advanceTimersByTimeAsync(1000);
  }
});

describe('JwksManager over a socket', () => {
  it('refuses to follow a redirect to other keys', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/jwks') response.writeHead(302, { location: '/attacker' }).end();
      else response.end(JSON.stringify(jwks(first)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const keys = new JwksManager({ url: `http://127.0.0.1:${port}/jwks`, algorithms: ['ES256'], clock });
    managers.push(keys);
    await expect(keys.start()).rejects.toBeInstanceOf(JwksUnavailable);
    expect(keys.ready()).toBe(false);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
