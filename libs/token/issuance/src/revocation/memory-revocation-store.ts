import type { NumericDate } from '@modelgate/core';
import { createHash } from 'node:crypto';
import { RevocationStore, type RevokedToken } from './revocation-store.ts';

/** Forgets with the process; for tests and for trying things out. */
export class MemoryRevocationStore extends RevocationStore {
  readonly #tokens = new Map<string, NumericDate>();

  async revoke({ jti, expiresAt }: RevokedToken): Promise<void> {
    this.#tokens.set(jti, Math.max(expiresAt, this.#tokens.get(jti) ?? 0));
  }

  async prune(now: NumericDate): Promise<number> {
    const expired = [...this.#tokens].filter(([, expiresAt]) => expiresAt <= now);
    for (const [jti] of expired) this.#tokens.delete(jti);
    return expired.length;
  }

  async snapshot(now: NumericDate): Promise<{ version: string; tokens: RevokedToken[] }> {
    const tokens = [...this.#tokens]
      .filter(([, expiresAt]) => expiresAt > now)
      .map(([jti, expiresAt]) => ({ jti, expiresAt }))
      .sort((a, b) => (a.jti < b.jti ? -1 : 1));
    return { version: createHash('sha256').update(JSON.stringify(tokens)).digest('base64url'), tokens };
  }
}
