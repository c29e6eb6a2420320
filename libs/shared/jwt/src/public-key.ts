import { createPublicKey, type KeyObject } from 'node:crypto';
import { isRocaModulus } from './roca.ts';

/** A key of a JWKS that may verify signatures, ready for use. */
export interface VerificationKey {
  kid: string;
  /** The algorithms it may be used with: the one its `alg` names, or those its type allows. */
  algorithms: readonly string[];
  key: KeyObject;
}

const ecAlgorithms: ReadonlyMap<unknown, string> = new Map([
  ['P-256', 'ES256'],
  ['P-384', 'ES384'],
  ['P-521', 'ES512'],
]);
const rsaAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const smallestModulus = 2048;
const largestModulus = 8192;
const longestKid = 256;

/**
 * Reads one member of a JWKS (RFC 7517 §4), accepting only what may verify signatures: a public key of a known type, not
 * meant for encryption, of sufficient strength.
 *
 * @returns the reason where it is passed over
 */
export function verificationKey(jwk: unknown): VerificationKey | { skipped: string } {
  if (typeof jwk !== 'object' || jwk === null) return { skipped: 'not an object' };
  const members = jwk as Readonly<Record<string, unknown>>;
  const unusable = unusableBecause(members);
  if (unusable) return { skipped: unusable };
  const possible = possibleAlgorithms(members);
  const { alg, kid } = members;
  const algorithms = alg === undefined ? possible : possible.filter((candidate) => candidate === alg);
  if (algorithms.length === 0) return { skipped: 'algorithm and key type do not go together' };
  const key = importKey(members);
  if (!key) return { skipped: 'not a valid public key' };
  const weak = weakness(key, members);
  return weak ? { skipped: weak } : { kid: String(kid), algorithms, key };
}

function unusableBecause(jwk: Readonly<Record<string, unknown>>): string | undefined {
  const { kid, use, key_ops: operations } = jwk;
  if (typeof kid !== 'string' || kid === '' || kid.length > longestKid) return 'no usable kid';
  if (use !== undefined && use !== 'sig') return 'not for signatures';
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return 'not for verifying';
  return privateMembers.some((name) => name in jwk) ? 'carries private or symmetric material' : undefined;
}

function possibleAlgorithms({ kty, crv }: Readonly<Record<string, unknown>>): readonly string[] {
  if (kty === 'RSA') return rsaAlgorithms;
  if (kty === 'OKP' && crv === 'Ed25519') return ['EdDSA'];
  const alg = kty === 'EC' ? ecAlgorithms.get(crv) : undefined;
  return alg === undefined ? [] : [alg];
}

function importKey({ kty, crv, x, y, n, e }: Readonly<Record<string, unknown>>): KeyObject | undefined {
  const parts = { kty, ...(kty === 'RSA' ? { n, e } : { crv, x, ...(kty === 'EC' && { y }) }) };
  if (Object.values(parts).some((part) => typeof part !== 'string')) return undefined;
  try {
    return createPublicKey({ key: parts as Record<string, string>, format: 'jwk' });
  } catch {
    return undefined;
  }
}

function weakness(key: KeyObject, { x, n }: Readonly<Record<string, unknown>>): string | undefined {
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined && (modulusLength < smallestModulus || modulusLength > largestModulus)) {
    return `RSA modulus of ${modulusLength} bits`;
  }
  if (publicExponent !== undefined && (publicExponent < 65_537n || publicExponent % 2n === 0n)) return 'RSA exponent';
  if (modulusLength !== undefined && isRocaModulus(modulusOf(String(n)))) return 'RSA modulus of a broken generator';
  if (key.asymmetricKeyType === 'ed25519' && isSmallOrder(String(x))) return 'Ed25519 point of small order';
  return undefined;
}

function modulusOf(n: string): bigint {
  return BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`);
}

/** Points under which a fixed signature verifies for any message (RFC 8032 §5.1.7 leaves them to the caller). */
const smallOrder = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]);

function isSmallOrder(x: string): boolean {
  const bytes = Buffer.from(x, 'base64url');
  bytes[31] = (bytes[31] ?? 0) & 0x7f;
  return smallOrder.has(bytes.toString('hex'));
}
