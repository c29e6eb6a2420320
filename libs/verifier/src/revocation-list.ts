import { parseStrictJson, type NumericDate } from '@modelgate/oauth';
import { z } from 'zod';
import { RevocationView, type ModelToken } from './model-token.ts';

const feedSchema = z.object({
  version: z.string(),
  tokens: z.array(z.object({ jti: z.string(), exp: z.number() })),
});

/** One revoked token, as on the wire. */
export interface RevokedTokenEntry {
  jti: string;
  exp: NumericDate;
}

/** Reads the body of the revocations feed. @throws where it is anything else */
export function parseRevocations(body: Uint8Array): readonly RevokedTokenEntry[] {
  return feedSchema.parse(parseStrictJson(body)).tokens;
}

/** What was revoked, in memory. */
export class RevocationList extends RevocationView {
  #revoked: ReadonlySet<string> = new Set();

  replace(tokens: readonly RevokedTokenEntry[]): void {
    this.#revoked = new Set(tokens.map(({ jti }) => jti));
  }

  isRevoked({ jti }: ModelToken): boolean {
    return this.#revoked.has(jti);
  }

  get size(): number {
    return this.#revoked.size;
  }
}
