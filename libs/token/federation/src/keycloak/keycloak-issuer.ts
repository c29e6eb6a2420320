import type { Claims } from '../jwt-claims.ts';
import { JwtIssuer } from '../jwt-issuer.ts';
import { subjectRejected } from '../subject-rejected.ts';

/** `at+jwt` where the client is set to RFC 9068 headers, `JWT` otherwise. */
const headerTypes: ReadonlySet<unknown> = new Set(['JWT', 'at+jwt']);
/** Keycloak names the kind in the payload: access tokens are Bearer or DPoP; ID, Refresh, Offline, Logout… are not. */
const accessTokenTypes: ReadonlySet<unknown> = new Set(['Bearer', 'DPoP']);

/** Access tokens of a Keycloak realm. All its tokens share their keys and most their header: only the payload's `typ` tells them apart. */
export class KeycloakIssuer extends JwtIssuer {
  protected override checkKind(header: Claims, claims: Claims): void {
    if (!headerTypes.has(header['typ'])) throw subjectRejected('typ of the header is not that of an access token');
    if (!accessTokenTypes.has(claims['typ'])) throw subjectRejected('typ of the payload is not Bearer or DPoP');
  }
}
