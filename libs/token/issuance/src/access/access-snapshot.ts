import type { AccessPolicy, TrustedIssuer } from '@modelgate/policy';
import type { Client } from '../clients/client.ts';

/** Whose tokens are an admin's, and which of their claims say what the admin may do. */
export interface AdminSettings {
  /** TrustedIssuer id. */
  readonly issuer: string;
  /** `aud` of an admin's token. */
  readonly audiences: readonly string[];
  /** `azp` of an admin's token. */
  readonly authorizedParties: readonly string[];
  /** The client whose roles count; absent: the realm's. */
  readonly rolesOfClient?: string | undefined;
  /** Our role → the names it has there; default: its own name. */
  readonly roles: Readonly<Record<string, readonly string[] | undefined>>;
}

/**
 * Who is believed, who may ask, who is granted what and who may administer, as it is at one moment. Never changed: another
 * one takes its place as a whole, so that what is decided by one snapshot is decided by nothing else.
 */
export interface AccessSnapshot {
  readonly issuers: readonly TrustedIssuer[];
  /** By `clientId`. */
  readonly clients: ReadonlyMap<string, Client>;
  readonly policies: readonly AccessPolicy[];
  /** Absent: nobody is an admin. */
  readonly admin?: AdminSettings | undefined;
}
