import type { TokenType } from './token-type.ts';

/** A successful answer of the token endpoint, as on the wire (RFC 6749 §5.1, RFC 8693 §2.2.1, RFC 9396 §7). */
export interface TokenResponse {
  access_token: string;
  issued_token_type: TokenType;
  token_type: 'Bearer';
  /** Seconds. */
  expires_in: number;
  /** Always sent, so that the caller reads exactly what was granted. */
  scope: string;
  authorization_details: readonly unknown[];
}
