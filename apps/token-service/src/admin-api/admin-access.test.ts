import type { IssuerDispatch } from '@modelgate/federation';
import { CurrentAccess } from '@modelgate/issuance';
import { describe, expect, it } from 'vitest';
import { AdminAccess, adminIssuers, adminSchema } from './admin-access.ts';
import type { AdminRole } from './admin-role.ts';

const accessOf = (admin?: Record<string, unknown>) =>
  new CurrentAccess({ issuers: [], clients: new Map(), policies: [], admin: admin && adminSchema.parse(admin) });

/** The roles of somebody whose token was verified and has these claims. */
async function rolesOf(
  settings: Record<string, unknown>,
  claims: Record<string, unknown>,
  senderConstrained = false,
): Promise<readonly AdminRole[]> {
  const subject = { issuer: 'keycloak', sub: 'carol', claims, senderConstrained };
  const tokens = { verify: () => Promise.resolve(subject) } as unknown as IssuerDispatch;
  const access = accessOf({ issuer: 'keycloak', ...settings });
  const admin = await new AdminAccess(tokens, access).verify('a token');
  expect(admin.subject).toBe('keycloak|carol');
  return admin.roles;
}

const ofRealm = (...roles: string[]) => ({ realm_access: { roles } });
const ofClient = (client: string, ...roles: string[]) => ({ resource_access: { [client]: { roles } } });
const byClient = { rolesOfClient: 'modelgate-admin' };
const renamed = { roles: { operator: ['mlops', 'sre'], 'key-custodian': ['security'] } };

describe('an admin’s roles', () => {
  it.each<[string, Record<string, unknown>, Record<string, unknown>, AdminRole[]]>([
    ['are the realm’s by default', {}, ofRealm('viewer', 'offline_access'), ['viewer']],
    ['are not those of a client then', {}, ofClient('modelgate-admin', 'viewer'), []],
    ['are those of the client that is named', byClient, ofClient('modelgate-admin', 'auditor'), ['auditor']],
    ['are not the realm’s then', byClient, ofRealm('viewer'), []],
    ['are not those of another client', byClient, ofClient('notebook', 'viewer'), []],
    ['are several', {}, ofRealm('key-custodian', 'operator'), ['operator', 'key-custodian']],
    ['may have other names there', renamed, ofRealm('sre'), ['operator']],
    ['have no longer their own name then', renamed, ofRealm('operator', 'key-custodian'), []],
    [
      'keep their own name where no other is given',
      renamed,
      ofRealm('security', 'viewer'),
      ['viewer', 'key-custodian'],
    ],
    ['are matched to the letter', {}, ofRealm('Viewer', 'viewer ', 'viewers'), []],
    ['are none where there are no claims', byClient, {}, []],
    ['are none where the claims have another shape', {}, { realm_access: { roles: 'viewer' } }, []],
    ['are none of what every object has', { rolesOfClient: 'constructor' }, ofClient('modelgate-admin', 'viewer'), []],
  ])('%s', async (_, settings, claims, roles) => {
    expect(await rolesOf(settings, claims)).toEqual(roles);
  });

  it('are none where nobody is an admin any more', async () => {
    const access = accessOf({ issuer: 'keycloak' });
    const subject = { issuer: 'keycloak', sub: 'carol', claims: ofRealm('viewer') };
    const tokens = { verify: () => Promise.resolve(subject) } as unknown as IssuerDispatch;
    const admins = new AdminAccess(tokens, access);
    expect((await admins.verify('a token')).roles).toEqual(['viewer']);
    access.replace(accessOf().current);
    expect((await admins.verify('a token')).roles).toEqual([]);
  });

  it('are none where the token is bound to a key that nobody here asks for', async () => {
    expect(await rolesOf({}, ofRealm('viewer'), true)).toEqual([]);
  });
});

describe('who vouches for an admin', () => {
  const issuer = {
    id: 'keycloak',
    kind: 'keycloak' as const,
    issuer: 'https://id.example.com/realm',
    jwksUri: 'https://id.example.com/certs',
    audiences: ['sts'],
    authorizedParties: ['notebook'],
    algorithms: ['RS256'],
    maxLifetime: 3600,
  };
  const issuers = [issuer, { ...issuer, id: 'partner', issuer: 'https://partner.example.com/realm' }];

  it('is the issuer that is named, for the audience and the parties of admins and no others', () => {
    const { current } = accessOf({ issuer: 'keycloak', audiences: ['admins'] });
    expect(adminIssuers({ ...current, issuers })).toEqual([
      { ...issuer, audiences: ['admins'], authorizedParties: ['modelgate-admin'] },
    ]);
  });

  it('is nobody where there are no admins', () => {
    expect(adminIssuers({ ...accessOf().current, issuers })).toEqual([]);
  });
});
