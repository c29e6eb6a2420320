import type { IssuerDispatch } from '@modelgate/federation';
import type { AccessSnapshot, AccessSource, AdminSettings } from '@modelgate/issuance';
import { TokenType } from '@modelgate/oauth';
import type { TrustedIssuer } from '@modelgate/policy';
import { z } from 'zod';
import { adminRoles, type Admin, type AdminRole } from './admin-role.ts';

const strings = z.array(z.string().min(1)).min(1);

/** The `admin` section of the access file. */
export const adminSchema = z.strictObject({
  /** Id of the trusted issuer whose tokens are accepted. */
  issuer: z.string(),
  /** `aud` of an admin's token. */
  audiences: strings.default(['modelgate-admin']),
  /**
   * `azp` of an admin's token. Keycloak puts an admin's roles into the tokens of any client the admin uses; only tokens of
   * these clients are taken for the admin's will.
   */
  authorizedParties: strings.default(['modelgate-admin']),
  /** The client whose roles count; absent: the realm's. */
  rolesOfClient: z.string().min(1).optional(),
  /** Our role → the names it has there; default: its own name. */
  roles: z.partialRecord(z.enum(adminRoles), strings).default({}),
});

/** Who may vouch for an admin: the issuer that the settings name, with the audience and the parties of admins. */
export function adminIssuers({ admin, issuers }: AccessSnapshot): TrustedIssuer[] {
  if (!admin) return [];
  const { audiences, authorizedParties } = admin;
  return issuers.filter(({ id }) => id === admin.issuer).map((one) => ({ ...one, audiences, authorizedParties }));
}

const claimsSchema = z.object({
  realm_access: z.object({ roles: z.array(z.string()) }).optional(),
  resource_access: z.record(z.string(), z.object({ roles: z.array(z.string()) })).optional(),
});

/** Turns an admin's access token into an Admin, through the same verifier that takes subject tokens. */
export class AdminAccess {
  readonly #tokens: IssuerDispatch;
  readonly #access: AccessSource;

  /** @param tokens accepts what `adminIssuers` of the access in force accept, and nothing else */
  constructor(tokens: IssuerDispatch, access: AccessSource) {
    this.#tokens = tokens;
    this.#access = access;
  }

  /** @throws OAuthError where the token is not acceptable; a token without a role of ours is, and may do nothing */
  async verify(token: string): Promise<Admin> {
    const subject = await this.#tokens.verify(token, TokenType.accessToken);
    const { admin } = this.#access.current;
    return {
      subject: `${subject.issuer}|${subject.sub}`,
      roles: subject.senderConstrained || !admin ? [] : rolesBy(admin, subject.claims),
    };
  }
}

function rolesBy({ rolesOfClient, roles }: AdminSettings, claims: Readonly<Record<string, unknown>>): AdminRole[] {
  const parsed = claimsSchema.safeParse(claims);
  if (!parsed.success) return [];
  const { realm_access: realm, resource_access: clients } = parsed.data;
  const held = rolesOfClient === undefined ? realm?.roles : clients?.[rolesOfClient]?.roles;
  return adminRoles.filter((role) => (roles[role] ?? [role]).some((name) => held?.includes(name)));
}
