import type { ClientCredentials } from '@modelgate/oauth';
import type { AccessSnapshot } from '../access/access-snapshot.ts';
import { AuthenticationMethod, failed } from './authentication-method.ts';
import type { Client } from './client.ts';

type Unproven = Extract<ClientCredentials, { method: 'none' }>;

/** A client without a secret, which exchanges its own tokens alone. */
export class PublicClient extends AuthenticationMethod<Unproven> {
  override readonly names = ['none'] as const;

  override authenticate({ clientId }: Unproven, { clients }: AccessSnapshot): Client {
    const client = clients.get(clientId);
    if (client?.authentication === 'none') return client;
    throw failed(client ? 'a confidential client sent no credentials' : 'unknown client');
  }
}
