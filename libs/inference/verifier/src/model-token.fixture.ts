import type { HttpAnswer, HttpGet } from '@modelgate/jwt';
import { SigningPair } from '@modelgate/testing';

export const issuer = 'https://tokens.example.com';
export const audience = 'https://models.example.com';
export const startOfTime = 1_800_000_000;

/** A key of an issuer of model tokens. */
export class IssuerKey extends SigningPair {
  constructor(kid: string) {
    super('ES256', kid);
  }

  /**
   *
   * @param header and claims are merged into those of a valid token; a member set to undefined is omitted
   */
  token(claims: object = {}, header: object = {}): string {
    return this.jwt({ ...goodClaims(), ...claims }, { typ: 'at+jwt', ...header });
  }
}

export function goodClaims(): Record<string, unknown> {
  return {
    iss: issuer,
    sub: 'keycloak-prod|8f0c',
    aud: audience,
    client_id: 'batch-scorer',
    iat: startOfTime,
    exp: startOfTime + 900,
    jti: 'a0b1',
    scope: 'fraud/iris:predict fraud/iris:explain',
    authorization_details: [{ type: 'kserve_inference', models: ['fraud/iris'], actions: ['predict', 'explain'] }],
    policy: 'fraud-batch',
    policy_version: 3,
  };
}

export function answer(document: unknown, headers: Record<string, string> = {}, status = 200): HttpAnswer {
  return { status, headers: new Headers(headers), body: Buffer.from(JSON.stringify(document)) };
}

/** A key source whose keys can be replaced. It counts its lookups. */
export class Jwks {
  asked = 0;
  keys: readonly IssuerKey[];
  down = false;

  constructor(...keys: readonly IssuerKey[]) {
    this.keys = keys;
  }

  readonly get: HttpGet = async () => {
    this.asked++;
    return this.down ? answer({}, {}, 503) : answer({ keys: this.keys.map(({ publicJwk }) => publicJwk) });
  };
}
