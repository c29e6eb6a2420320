/** Grant types the token endpoint knows (RFC 8693 §2.1). */
export const GrantType = {
  tokenExchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
} as const;
export type GrantType = (typeof GrantType)[keyof typeof GrantType];

/** `client_assertion_type` of private_key_jwt (RFC 7523 §2.2). */
export const clientAssertionTypeJwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
