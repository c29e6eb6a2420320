import { describe, expect, it } from 'vitest';
import { accessChanges } from './access-changes.ts';
import type { AccessSnapshot, AdminSettings } from './access-snapshot.ts';
import type { Client } from '../clients/client.ts';
import { CurrentAccess } from './current-access.ts';
import { policy, sha256, trustedIssuer } from '../endpoint.fixture.ts';

const secretOf = (clientId: string, secret = 'one'): Client => ({
  clientId,
  mayExchange: [],
  authentication: 'client_secret',
  secretSha256: [sha256(secret)],
});
const admin: AdminSettings = { issuer: 'keycloak', audiences: ['a'], authorizedParties: ['b'], roles: {} };

function snapshot(more: Partial<Omit<AccessSnapshot, 'clients'>> = {}, ...clients: Client[]): AccessSnapshot {
  return {
    issuers: [trustedIssuer('keycloak')],
    policies: [policy('p', 'fraud/iris:predict'), policy('q', 'fraud/tree:predict')],
    ...more,
    clients: new Map((clients.length > 0 ? clients : [secretOf('c')]).map((client) => [client.clientId, client])),
  };
}

describe('what differs between two snapshots', () => {
  it('is nothing where only order and objects do', () => {
    const [p, q] = [policy('p', 'fraud/iris:predict'), policy('q', 'fraud/tree:predict')];
    const match = { '/b': { exact: 'x' }, '/a': { exact: 'y' } };
    const turned = { '/a': { exact: 'y' }, '/b': { exact: 'x' } };
    const before = snapshot({ policies: [p, { ...q, match }], admin }, secretOf('c'), secretOf('d'));
    const after = snapshot(
      { policies: [{ ...q, match: turned }, p], admin: { ...admin } },
      secretOf('d'),
      secretOf('c'),
    );
    expect(accessChanges(before, after)).toBeUndefined();
  });

  it('is told by id, as added, removed and changed', () => {
    const before = snapshot(
      { issuers: ['keycloak', 'gone'].map((id) => trustedIssuer(id)) },
      secretOf('c'),
      secretOf('same'),
      secretOf('gone'),
    );
    const after = snapshot(
      {
        issuers: [trustedIssuer('keycloak', 'https://other.example.com'), trustedIssuer('new')],
        policies: [policy('p', 'fraud/iris:explain'), policy('r', 'fraud/tree:predict')],
      },
      secretOf('c', 'two'),
      secretOf('same'),
      secretOf('new'),
    );
    expect(accessChanges(before, after)).toEqual({
      issuers: { added: ['new'], removed: ['gone'], changed: ['keycloak'] },
      clients: { added: ['new'], removed: ['gone'], changed: ['c'] },
      policies: { added: ['r'], removed: ['q'], changed: ['p'] },
    });
  });

  it.each<[string, AdminSettings | undefined, AdminSettings | undefined]>([
    ['added', undefined, admin],
    ['removed', admin, undefined],
    ['changed', admin, { ...admin, audiences: ['c'] }],
  ])('is that the admin settings were %s', (change, before, after) => {
    expect(accessChanges(snapshot({ admin: before }), snapshot({ admin: after }))).toEqual({ admin: change });
  });

  it('has nothing of a secret', () => {
    const text = JSON.stringify(accessChanges(snapshot(), snapshot({}, secretOf('c', 'two'))));
    expect(text).toBe('{"clients":{"changed":["c"]}}');
  });
});

describe('the access in force', () => {
  it('is another one as a whole, for all who follow, before the change is over', () => {
    const access = new CurrentAccess(snapshot());
    const seen: unknown[] = [];
    access.onChange((now, changes) => seen.push([now === access.current, now, changes]));
    access.onChange((now) => seen.push(now));
    const next = snapshot({ policies: [] });
    const changes = access.replace(next);
    expect(changes).toEqual({ policies: { removed: ['p', 'q'] } });
    expect(access.current).toBe(next);
    expect(seen).toEqual([[true, next, changes], next]);
  });

  it('stays, and nobody is told, where nothing differs', () => {
    const first = snapshot();
    const access = new CurrentAccess(first);
    access.onChange(() => expect.unreachable());
    expect(access.replace(snapshot())).toBeUndefined();
    expect(access.current).toBe(first);
  });
});
