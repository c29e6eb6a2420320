import type { ClientCredentials } from '@modelgate/oauth';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { AccessSnapshot } from '../access/access-snapshot.ts';
import { AuthenticationMethod, failed } from './authentication-method.ts';
import type { Client } from './client.ts';

type Secret = Extract<ClientCredentials, { clientSecret: string }>;

/** Stands in for the secret of a client that does not exist, so that its name cannot be found by timing. */
const nobodysSecret = ['0'.repeat(64)];

/** A secret in the Authorization field or in the form (RFC 6749 §2.3.1), kept as SHA-256. */
export class ClientSecret extends AuthenticationMethod<Secret> {
  override readonly names = ['client_secret_basic', 'client_secret_post'] as const;

  override authenticate({ clientId, clientSecret }: Secret, { clients }: AccessSnapshot): Client {
    const client = clients.get(clientId);
    const registered = client?.authentication === 'client_secret' ? client.secretSha256 : [];
    const presented = createHash('sha256').update(clientSecret).digest();
    let matched = false;
    for (const hex of registered.length > 0 ? registered : nobodysSecret) {
      const expected = Buffer.from(hex, 'hex');
      if (expected.length === presented.length && timingSafeEqual(expected, presented)) matched = true;
    }
    if (client && matched && registered.length > 0) return client;
    throw failed(client?.authentication === 'client_secret' ? 'wrong client secret' : 'not a client with a secret');
  }
}
