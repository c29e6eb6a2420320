import type { Realm } from '@modelgate/real-parts';
import { realmContract } from '@modelgate/real-parts/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { identityProvider } from './identity-provider.ts';

let realm: Realm;
const told: string[] = [];

beforeAll(async () => {
  realm = await identityProvider.start({ onProgress: (text) => told.push(text) });
});
afterAll(() => realm.stop());

realmContract(() => realm);

test('its first line says that it is not Keycloak', () => {
  expect(told[0]).toMatch(/not Keycloak/);
  expect(realm.kind).toBe('stand-in');
});

test.each([
  [
    'a wrong client secret',
    { client_id: 'batch-scorer', client_secret: 'wrong', grant_type: 'client_credentials' },
    401,
  ],
  ['a wrong password', { client_id: 'notebook', grant_type: 'password', username: 'alice', password: 'wrong' }, 400],
  ['an unknown user', { client_id: 'notebook', grant_type: 'password', username: 'mallory', password: '' }, 400],
  [
    'an unknown scope',
    { client_id: 'notebook', grant_type: 'password', username: 'alice', password: 'alice', scope: 'root' },
    400,
  ],
  [
    'another kind of token to refresh with',
    { client_id: 'notebook', grant_type: 'refresh_token', refresh_token: 'a.b.c' },
    400,
  ],
])('%s gets no token', async (_, form, status) => {
  const response = await fetch(realm.tokenEndpoint, { method: 'POST', body: new URLSearchParams(form) });
  expect(response.status).toBe(status);
  expect(await response.json()).not.toHaveProperty('access_token');
});

test('a refresh token of one client is of no use to another', async () => {
  const { refreshToken = '' } = await realm.password('alice', 'notebook');
  await expect(realm.refresh(refreshToken, 'modelgate-admin')).rejects.toMatchObject({
    status: 400,
    code: 'invalid_grant',
  });
});

test('what lies outside the realm is not found', async () => {
  expect((await fetch(`${realm.url}/realms/master/.well-known/openid-configuration`)).status).toBe(404);
});
