import type { Claims } from '../jwt-claims.ts';
import { JwtIssuer } from '../jwt-issuer.ts';
import { subjectRejected } from '../subject-rejected.ts';

const headerTypes: ReadonlySet<unknown> = new Set([undefined, 'JWT', 'jwt', 'at+jwt', 'application/at+jwt']);
/** Claims that only ID tokens, logout tokens and security events have. */
const foreignClaims = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events'];

/** JWT access tokens of any other OpenID Connect provider (RFC 9068, or what came before it). */
export class OidcIssuer extends JwtIssuer {
  protected override checkKind(header: Claims, claims: Claims): void {
    if (!headerTypes.has(header['typ'])) throw subjectRejected('typ of the header is not that of an access token');
    const foreign = foreignClaims.find((name) => name in claims);
    if (foreign !== undefined) throw subjectRejected(`it has ${foreign}, as no access token has`);
  }
}
