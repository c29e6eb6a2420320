import type { Subject } from '@modelgate/issuance';
import { parseCompactJws } from '@modelgate/jwt';
import { OAuthError, TokenType } from '@modelgate/oauth';
import type { TrustedIssuer } from '@modelgate/policy';
import { ManualClock, SigningPair } from '@modelgate/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { JwksSite, realm, trusted, userClaims, verdict } from './identity-provider.fixture.ts';
import { IssuerDispatch } from './issuer-dispatch.ts';
import { KeycloakIssuer } from './keycloak/keycloak-issuer.ts';

const first = new SigningPair('RS256', 'k1');
const second = new SigningPair('RS256', 'k2');
const otherRealm = 'https://id.example.com/realms/other';
const { jwksUri } = trusted();
const other = trusted({ id: 'other', issuer: otherRealm, jwksUri: `${otherRealm}/certs` });
let clock: ManualClock;
let site: JwksSite;
const running: IssuerDispatch[] = [];

beforeEach(() => {
  clock = new ManualClock();
  site = new JwksSite();
  site.publish(jwksUri, first);
});
afterEach(() => {
  vi.useRealTimers();
  for (const issuers of running.splice(0)) issuers.stop();
});

async function dispatch(...issuers: TrustedIssuer[]): Promise<IssuerDispatch> {
  const made = new IssuerDispatch(issuers.length > 0 ? issuers : [trusted()], { clock, get: site.get });
  running.push(made);
  await made.start();
  return made;
}

const token = (key = first, claims: object = {}) => key.jwt({ ...userClaims(), ...claims });
const verify = (issuers: IssuerDispatch, text: string) => issuers.verify(text, TokenType.accessToken);

describe('several issuers', () => {
  it('are told apart by iss, each with its own keys, though their kids may be the same', async () => {
    const theirs = new SigningPair('RS256', 'k1');
    site.publish(other.jwksUri, theirs);
    const issuers = await dispatch(trusted(), other);
    expect(await verify(issuers, token(first))).toMatchObject({ issuer: 'keycloak-prod' });
    expect(await verify(issuers, token(theirs, { iss: otherRealm }))).toMatchObject({ issuer: 'other' });
    expect(await verdict(issuers, token(theirs))).toBe('the signature is wrong');
    expect(await verdict(issuers, token(first, { iss: otherRealm }))).toBe('the signature is wrong');
  });

  it('do not wait for one another: one that is down is named, the others serve', async () => {
    const issuers = await dispatch(trusted(), other);
    expect(issuers.unready()).toEqual(['other']);
    expect(await verdict(issuers, token())).toBe('accepted');
  });
});

describe('one issuer by itself', () => {
  it('refuses a token of another, though its own key signed it', async () => {
    const alone = new KeycloakIssuer(trusted(), { clock, get: site.get });
    await alone.start();
    const foreign = parseCompactJws(token(first, { iss: otherRealm }), 8192);
    await expect(alone.verify(foreign)).rejects.toMatchObject({ detail: 'iss is not this issuer' });
    alone.stop();
  });
});

describe('a dispatch that was stopped', () => {
  it('asks nobody any more', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const issuers = await dispatch();
    issuers.stop();
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(site.asked).toBe(1);
  });
});

describe('keys that cannot be had', () => {
  it('are not the fault of the token', async () => {
    site.down = true;
    const issuers = await dispatch();
    expect(issuers.unready()).toEqual(['keycloak-prod']);
    const error: unknown = await verify(issuers, token()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OAuthError);
    expect(error).toMatchObject({ code: 'temporarily_unavailable', status: 503, retryAfter: 5 });
    expect(String(error)).not.toContain('id.example.com');
  });

  it('are had again as soon as the provider answers', async () => {
    site.down = true;
    const issuers = await dispatch();
    site.down = false;
    expect(await verdict(issuers, token())).toBe('accepted');
  });

  it('are believed while the provider fails', async () => {
    const issuers = await dispatch();
    site.down = true;
    clock.advanceSeconds(100);
    expect(await verdict(issuers, token())).toBe('accepted');
  });
});

describe('rotation without notice', () => {
  it('is followed by the first token of the new key', async () => {
    const issuers = await dispatch();
    site.publish(jwksUri, first, second);
    expect(await verdict(issuers, token(second))).toBe('accepted');
    expect(site.asked).toBe(2);
  });

  it('lets tokens of the new key wait where someone else has just asked', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const issuers = await dispatch();
    expect(await verdict(issuers, token(new SigningPair('RS256', 'nobody')))).toBe('kid is unknown');
    site.publish(jwksUri, first, second);
    const waiting = Promise.all([verdict(issuers, token(second)), verdict(issuers, token(second, { sid: 'b' }))]);
    await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await waiting).toEqual(['accepted', 'accepted']);
    expect(site.asked).toBe(3);
  });
});

describe('what was verified', () => {
  it('is remembered, so that nothing is verified twice', async () => {
    const issuers = await dispatch();
    const text = token();
    const subject = await verify(issuers, text);
    expect(await verify(issuers, text)).toBe(subject);
    expect(await verify(issuers, token(first, { sid: 'b' }))).not.toBe(subject);
  });

  it('is remembered under the whole token', async () => {
    const issuers = await dispatch();
    await verify(issuers, token());
    expect(await verdict(issuers, token(new SigningPair('RS256', 'k1')))).toBe('the signature is wrong');
    expect(await verdict(issuers, `${token()}=`)).toBe('not a compact JWS');
  });

  it('is forgotten at its exp', async () => {
    const issuers = await dispatch();
    const text = token();
    await verify(issuers, text);
    clock.advanceSeconds(299);
    expect(await verdict(issuers, text)).toBe('accepted');
    clock.advanceSeconds(1);
    expect(await verdict(issuers, text)).toBe('it has expired');
  });

  it('is forgotten when its key is gone', async () => {
    const issuers = await dispatch();
    const text = token();
    await verify(issuers, text);
    site.publish(jwksUri, second);
    await verify(issuers, token(second));
    expect(await verdict(issuers, text)).toBe('kid is unknown');
  });

  it('is forgotten when another key has come under its kid', async () => {
    const issuers = await dispatch();
    const text = token();
    await verify(issuers, text);
    site.publish(jwksUri, new SigningPair('RS256', 'k1'), second);
    await verify(issuers, token(second));
    expect(await verdict(issuers, text)).toBe('the signature is wrong');
  });

  it('makes room for what comes later, the oldest first', async () => {
    const issuers = new IssuerDispatch([trusted()], { clock, get: site.get, cacheSize: 2 });
    running.push(issuers);
    const texts = ['a', 'b', 'c'].map((sid) => token(first, { sid }));
    const subjects: Subject[] = [];
    for (const text of texts) subjects.push(await verify(issuers, text));
    const again: Subject[] = [];
    for (const text of texts.toReversed()) again.unshift(await verify(issuers, text));
    expect(again.map((subject, index) => subject === subjects[index])).toEqual([false, true, true]);
  });

  it('is never a refusal', async () => {
    const issuers = await dispatch();
    const early = token(first, { nbf: 1_800_000_100 });
    expect(await verdict(issuers, early)).toBe('nbf is in the future');
    clock.advanceSeconds(100);
    expect(await verdict(issuers, early)).toBe('accepted');
  });
});

describe('issuers that change', () => {
  const later = trusted({ audiences: ['account'] });
  const narrower = trusted({ audiences: ['nobody-has-this'] });
  const theirs = new SigningPair('RS256', 'k1');
  const theirToken = () => theirs.jwt({ ...userClaims(), iss: otherRealm });
  beforeEach(() => site.publish(other.jwksUri, theirs));

  it('keep keys and remembered tokens where they stay as they were, though the objects are new', async () => {
    const issuers = await dispatch(trusted(), other);
    const text = token();
    const subject = await verify(issuers, text);
    issuers.follow([{ ...other }, trusted()]);
    expect(await verify(issuers, text)).toBe(subject);
    issuers.follow([trusted()]);
    expect(await verify(issuers, text)).toBe(subject);
    expect([site.asked, issuers.unready(), issuers.size]).toEqual([2, [], 1]);
  });

  it('are refused once they are removed, with every token that was remembered', async () => {
    const issuers = await dispatch(trusted(), other);
    const text = theirToken();
    await verify(issuers, text);
    issuers.follow([trusted()]);
    expect(await verdict(issuers, text)).toBe('the issuer is not trusted');
    expect(await verdict(issuers, theirToken())).toBe('the issuer is not trusted');
    issuers.follow([]);
    expect(await verdict(issuers, token())).toBe('the issuer is not trusted');
  });

  it('are not asked for keys any more once they are removed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const issuers = await dispatch(trusted(), other);
    issuers.follow([]);
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(site.asked).toBe(2);
  });

  it('are started where they are new', async () => {
    const issuers = await dispatch();
    issuers.follow([trusted(), other]);
    expect(site.asked).toBe(2);
    await vi.waitFor(() => expect(issuers.unready()).toEqual([]), { interval: 1 });
    site.down = true;
    expect(await verdict(issuers, theirToken())).toBe('accepted');
  });

  it('are not started by a dispatch that was not, or was stopped', async () => {
    const issuers = new IssuerDispatch([], { clock, get: site.get });
    issuers.follow([trusted()]);
    await issuers.start();
    issuers.stop();
    issuers.follow([trusted(), other]);
    expect(site.asked).toBe(1);
  });

  it('keep their keys under other rules, which hold at once for tokens that were remembered', async () => {
    const issuers = await dispatch();
    const text = token();
    const subject = await verify(issuers, text);
    site.down = true;
    issuers.follow([narrower]);
    expect(await verdict(issuers, text)).toBe('aud does not name this service');
    issuers.follow([later]);
    expect(await verify(issuers, text)).not.toBe(subject);
    expect([site.asked, issuers.unready()]).toEqual([1, []]);
  });

  it('lose their keys where these are fetched from elsewhere, and what was verified with them', async () => {
    const issuers = await dispatch();
    const text = token();
    await verify(issuers, text);
    issuers.follow([trusted({ jwksUri: other.jwksUri })]);
    expect(await verdict(issuers, text)).toBe('the signature is wrong');
    issuers.follow([trusted({ jwksUri: other.jwksUri, algorithms: ['ES256'] })]);
    expect(await verdict(issuers, text)).toBe('alg is not accepted');
  });

  it.each<[string, TrustedIssuer[], string]>([
    ['removed', [], 'the issuer is not trusted'],
    ['changed', [narrower], 'aud does not name this service'],
    ['moved to other keys', [trusted({ jwksUri: other.jwksUri })], 'the signature is wrong'],
    ['left as they are', [trusted()], 'accepted'],
  ])('are %s while a token waits for their keys, and the token is judged by what is in force then', async (...row) => {
    const [, now, expected] = row;
    const gate = Promise.withResolvers<void>();
    const get: typeof site.get = async (url, options) => {
      if (url === jwksUri) await gate.promise;
      return site.get(url, options);
    };
    const issuers = new IssuerDispatch([trusted()], { clock, get });
    running.push(issuers);
    const text = token();
    const waiting = verdict(issuers, text);
    issuers.follow(now);
    gate.resolve();
    expect(await waiting).toBe(expected);
    expect(await verdict(issuers, text)).toBe(expected);
  });
});

describe('T11 what the caller reads', () => {
  it('is one sentence whatever is wrong, and the detail quotes nothing of the token', async () => {
    const issuers = await dispatch();
    const secret = 'hunter2hunter2';
    const wrong = [
      secret,
      token(first, { iss: secret }),
      token(first, { aud: secret }),
      token(first, { typ: secret }),
      token(first, { azp: [secret] }),
      first.jwt(userClaims(), { kid: secret }),
      first.jwt(userClaims(), { alg: secret }),
      first.jwt(userClaims(), { typ: secret }),
      token(first, { exp: 1, jti: secret }),
    ];
    for (const text of wrong) {
      const error: unknown = await verify(issuers, text).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'invalid_request', description: 'the token is not acceptable' });
      expect(error instanceof OAuthError && error.detail).toBeTruthy();
      expect(error instanceof OAuthError && `${error.message} ${error.detail}`).not.toContain(secret);
    }
  });

  it('is the same realm in every spelling but one', async () => {
    expect(await verdict(await dispatch(), token(first, { iss: `${realm}/` }))).toBe('the issuer is not trusted');
  });
});
