/** The few calls of Keycloak's admin REST API that tests need. */
export class KeycloakAdmin {
  readonly #url: string;
  readonly #credentials: { username: string; password: string };

  constructor(url: string, credentials: { username: string; password: string }) {
    this.#url = url;
    this.#credentials = credentials;
  }

  /** Adds an RSA key that outranks the realm's other ones: the next token is signed with it. */
  async rotateKeys(realm: string): Promise<{ kid: string }> {
    const token = await this.#token();
    const { id } = (await this.#call(token, `/admin/realms/${realm}`)) as { id: string };
    const before = await this.#signingKey(token, realm);
    await this.#call(token, `/admin/realms/${realm}/components`, {
      name: `rotated-${before.priority + 1}`,
      providerId: 'rsa-generated',
      providerType: 'org.keycloak.keys.KeyProvider',
      parentId: id,
      config: {
        priority: [String(before.priority + 1)],
        enabled: ['true'],
        active: ['true'],
        algorithm: ['RS256'],
        keySize: ['2048'],
      },
    });
    const { kid } = await this.#signingKey(token, realm);
    if (kid === before.kid) throw new Error(`Keycloak still signs with the key it had before in realm ${realm}`);
    return { kid };
  }

  async #signingKey(token: string, realm: string): Promise<{ kid: string; priority: number }> {
    const keys = (await this.#call(token, `/admin/realms/${realm}/keys`)) as {
      active: Record<string, string>;
      keys: { kid: string; providerPriority?: number }[];
    };
    const kid = keys.active['RS256'];
    if (kid === undefined) throw new Error(`realm ${realm} has no active RS256 key`);
    return { kid, priority: keys.keys.find((key) => key.kid === kid)?.providerPriority ?? 0 };
  }

  /** Short-lived: fetched anew for each piece of work. */
  async #token(): Promise<string> {
    const form = new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', ...this.#credentials });
    const url = `${this.#url}/realms/master/protocol/openid-connect/token`;
    const response = await fetch(url, { method: 'POST', body: form, redirect: 'error' });
    const answer = (await response.json().catch(() => ({}))) as { access_token?: string };
    if (answer.access_token) return answer.access_token;
    throw new Error(
      `Keycloak's admin login answered ${response.status}; set KEYCLOAK_ADMIN_USERNAME and KEYCLOAK_ADMIN_PASSWORD`,
    );
  }

  async #call(token: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, {
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      redirect: 'error',
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`Keycloak's admin API answered ${response.status} to ${path}`);
    return response.status === 200 ? response.json() : undefined;
  }
}
