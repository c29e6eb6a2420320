// The package ships no types; these are the members the stand-in uses.
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export interface TokenContext {
    oidc: { client: { clientId: string }; params: Record<string, string | undefined> };
    body: unknown;
    get(header: string): string;
  }

  export class Provider {
    constructor(issuer: string, configuration: object);
    registerGrantType(name: string, handler: (ctx: TokenContext) => Promise<void>, parameters: readonly string[]): void;
    callback(): (request: IncomingMessage, response: ServerResponse) => void;
  }

  class ProtocolError extends Error {
    constructor(description?: string);
  }

  export const errors: {
    InvalidGrant: typeof ProtocolError;
    InvalidRequest: typeof ProtocolError;
    InvalidScope: typeof ProtocolError;
    InvalidDpopProof: typeof ProtocolError;
  };
}
