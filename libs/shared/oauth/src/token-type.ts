/** Token type identifiers (RFC 8693 §3). */
export const TokenType = {
  accessToken: 'urn:ietf:params:oauth:token-type:access_token',
  refreshToken: 'urn:ietf:params:oauth:token-type:refresh_token',
  idToken: 'urn:ietf:params:oauth:token-type:id_token',
  jwt: 'urn:ietf:params:oauth:token-type:jwt',
  saml1: 'urn:ietf:params:oauth:token-type:saml1',
  saml2: 'urn:ietf:params:oauth:token-type:saml2',
} as const;
export type TokenType = (typeof TokenType)[keyof typeof TokenType];

/** Whether `value` is one of the identifiers RFC 8693 registers. */
export function isTokenType(value: string): value is TokenType {
  return (Object.values(TokenType) as string[]).includes(value);
}
