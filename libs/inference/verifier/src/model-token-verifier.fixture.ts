/** A verifier and an in-memory issuer. Call `startIssuer` before each test to recreate both. */
import { JwksManager } from '@modelgate/jwt';
import { ManualClock } from '@modelgate/testing';
import { audience, issuer, Jwks, IssuerKey, startOfTime } from './model-token.fixture.ts';
import { ModelTokenVerifier, type ModelTokenVerifierOptions } from './model-token-verifier.ts';
import { RevocationList } from './revocation-list.ts';
import { TokenRejected } from './token-rejected.ts';

export const key = new IssuerKey('key-1');
/** Another key with the same kid, which the issuer does not publish. */
export const stranger = new IssuerKey('key-1');
export let clock: ManualClock;
export let jwks: Jwks;
export let revocations: RevocationList;
export let manager: JwksManager;

export async function startIssuer(): Promise<void> {
  clock = new ManualClock();
  jwks = new Jwks(key);
  revocations = new RevocationList({ clock });
  manager = new JwksManager({ url: `${issuer}/jwks`, algorithms: ['ES256'], clock, get: jwks.get });
  await manager.start();
}

export function stopIssuer(): void {
  manager.stop();
}

export function verifier(options: Partial<ModelTokenVerifierOptions> = {}): ModelTokenVerifier {
  const rules = { issuer, audience, skewSeconds: 30, maxLifetimeSeconds: 3600 };
  return new ModelTokenVerifier({ ...rules, keys: manager, revocations, clock, ...options });
}

export async function verdict(token: string, options?: Partial<ModelTokenVerifierOptions>): Promise<string> {
  return verifier(options)
    .verify(token)
    .then(
      () => 'accepted',
      (error: unknown) => (error instanceof TokenRejected ? error.reason : String(error)),
    );
}

export const revoke = (...jtis: string[]) =>
  revocations.replace({ tokens: jtis.map((jti) => ({ jti, exp: startOfTime + 900 })), kids: [] });
