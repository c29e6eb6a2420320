import { createHash, generateKeyPairSync, sign } from 'node:crypto';

const lifeSeconds = 300;

/**
 * A model token that is valid except for its key, which was just generated. A server that accepts it does not verify
 * signatures.
 */
export function wrongToken(now = Date.now()): string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x, y } = publicKey.export({ format: 'jwk' });
  // RFC 7638 §3: the members in lexicographic order.
  const kid = createHash('sha256')
    .update(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y }))
    .digest('base64url');
  const issuedAt = Math.floor(now / 1000);
  const header = encoded({ typ: 'at+jwt', alg: 'ES256', kid });
  const payload = encoded({
    iss: 'https://modelgate-doctor.invalid',
    sub: 'modelgate-doctor',
    aud: 'https://modelgate-doctor.invalid',
    client_id: 'modelgate-doctor',
    jti: `modelgate-doctor-${issuedAt}`,
    iat: issuedAt,
    exp: issuedAt + lifeSeconds,
    scope: 'modelgate/doctor:predict',
  });
  const signature = sign('sha256', Buffer.from(`${header}.${payload}`), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${header}.${payload}.${signature.toString('base64url')}`;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
