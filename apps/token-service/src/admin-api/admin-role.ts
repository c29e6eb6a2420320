/** What an admin may be, as realm or client roles of the identity provider say. */
export const adminRoles = ['viewer', 'operator', 'key-custodian', 'auditor'] as const;
export type AdminRole = (typeof adminRoles)[number];

/** Which roles may look, move keys in their ordinary way, and do what cannot be undone. */
export const verbsOfRole = {
  look: ['viewer', 'operator', 'key-custodian', 'auditor'],
  operate: ['operator', 'key-custodian'],
  guard: ['key-custodian'],
} as const satisfies Record<string, readonly AdminRole[]>;

/** Somebody who was authenticated. */
export interface Admin {
  /** `issuerId|sub`, for the audit log. */
  subject: string;
  roles: readonly AdminRole[];
}
