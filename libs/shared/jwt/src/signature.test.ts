import { SigningPair } from '@modelgate/testing';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseCompactJws, type CompactJws } from './compact-jws.ts';
import { signatureAlgorithms, verifySignature } from './signature.ts';
import { encode, hmacToken } from './signing.fixture.ts';

const claims = { iss: 'https://id.example.com' };
const keys = new Map(
  ['ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'EdDSA'].map((alg) => [
    alg,
    new SigningPair(alg, 'k'),
  ]),
);
const keyOf = (alg: string): SigningPair => keys.get(alg) ?? new SigningPair(alg, 'k');
const parse = (token: string): CompactJws => parseCompactJws(token, 8192);
const signed = (alg: string): CompactJws => parse(keyOf(alg).jwt(claims));
const replaced = (jws: CompactJws, signature: Buffer): CompactJws => ({ ...jws, signature });

describe('verifySignature', () => {
  it('knows the asymmetric algorithms and no other', () => {
    expect([...signatureAlgorithms].sort()).toEqual([...keys.keys()].sort());
  });

  it.each([...keys.keys()])('%s: accepts what was signed, and not one bit more', (alg) => {
    const jws = signed(alg);
    const { publicKey } = keyOf(alg);
    expect(verifySignature(jws, alg, publicKey)).toBe(true);
    const changed = Buffer.from(jws.signature);
    changed[5] = (changed[5] ?? 0) ^ 1;
    expect(verifySignature(replaced(jws, changed), alg, publicKey)).toBe(false);
    const input = Buffer.from(jws.signingInput);
    input[3] = (input[3] ?? 0) ^ 1;
    expect(verifySignature({ ...jws, signingInput: input }, alg, publicKey)).toBe(false);
    expect(verifySignature(jws, alg, new SigningPair(alg, 'k').publicKey)).toBe(false);
  });

  it.each([...keys.keys()])('%s: refuses a signature that is shorter, longer or empty', (alg) => {
    const jws = signed(alg);
    const { publicKey } = keyOf(alg);
    const { signature } = jws;
    const lengths = [signature.subarray(0, -1), signature.subarray(1), Buffer.concat([signature, Buffer.alloc(1)])];
    for (const other of [...lengths, Buffer.concat([Buffer.alloc(1), signature]), Buffer.alloc(0)]) {
      expect(verifySignature(replaced(jws, other), alg, publicKey)).toBe(false);
    }
  });

  it.each(['RS256', 'PS256', 'PS512'])('%s: refuses a signature without its leading zero', (alg) => {
    const key = keyOf(alg);
    let found: CompactJws | undefined;
    for (let i = 0; !found; i++) found = [parse(key.jwt({ i }))].find(({ signature }) => signature[0] === 0);
    expect(verifySignature(found, alg, key.publicKey)).toBe(true);
    expect(verifySignature(replaced(found, found.signature.subarray(1)), alg, key.publicKey)).toBe(false);
  });

  it('is right for every length of r and s', () => {
    const key = keyOf('ES256');
    for (let i = 0; i < 600; i++) {
      expect(verifySignature(parse(key.jwt({ i })), 'ES256', key.publicKey)).toBe(true);
    }
  });

  it('is right for r and s with zeros in front', () => {
    const key = keyOf('ES256');
    const isShort = ({ signature }: CompactJws) => signature[0] === 0 || signature[32] === 0;
    let found: CompactJws | undefined;
    for (let i = 0; !found; i++) found = [parse(key.jwt({ i }))].find(isShort);
    expect(verifySignature(found, 'ES256', key.publicKey)).toBe(true);
  });

  it.each(['ES256', 'ES384', 'ES512'])('%s: refuses DER where the raw pair belongs', (alg) => {
    const { privateKey, publicKey } = keyOf(alg);
    const jws = signed(alg);
    const der = sign(`sha${alg === 'ES512' ? 512 : alg.slice(2)}`, jws.signingInput, privateKey);
    expect(verifySignature(replaced(jws, der), alg, publicKey)).toBe(false);
  });

  it.each(['ES256', 'ES384', 'ES512'])('%s: refuses zeros in front of r and s, which change neither', (alg) => {
    const jws = signed(alg);
    const half = jws.signature.length / 2;
    const [r, s] = [jws.signature.subarray(0, half), jws.signature.subarray(half)];
    const nothing = Buffer.alloc(1);
    for (const parts of [
      [r, nothing, s],
      [nothing, r, nothing, s],
      [nothing, r, s],
    ]) {
      expect(verifySignature(replaced(jws, Buffer.concat(parts)), alg, keyOf(alg).publicKey)).toBe(false);
    }
  });

  const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
  const zero = Buffer.alloc(32);
  const one = Buffer.concat([Buffer.alloc(31), Buffer.from([1])]);
  it.each([
    ['r and s zero', zero, zero],
    ['r zero', zero, one],
    ['s zero', one, zero],
    ['r the order', order, one],
    ['s the order', one, order],
    ['both the order', order, order],
    ['both all ones', Buffer.alloc(32, 255), Buffer.alloc(32, 255)],
  ])('refuses an ES256 signature with %s', (_, r, s) => {
    expect(verifySignature(replaced(signed('ES256'), Buffer.concat([r, s])), 'ES256', keyOf('ES256').publicKey)).toBe(
      false,
    );
  });

  it.each([
    ['RS256', 'PS256'],
    ['PS256', 'RS256'],
    ['RS256', 'RS384'],
    ['PS512', 'PS256'],
    ['ES256', 'ES384'],
    ['ES384', 'ES256'],
    ['RS256', 'ES256'],
    ['EdDSA', 'ES256'],
  ])('refuses a %s signature under %s, with either key', (from, to) => {
    for (const { publicKey } of [keyOf(from), keyOf(to)]) {
      expect(verifySignature(signed(from), to, publicKey)).toBe(false);
    }
  });

  it('refuses an algorithm with a key of another type, even where OpenSSL would verify it', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jws = signed('RS256');
    const der = replaced(jws, sign('sha256', jws.signingInput, privateKey));
    expect(verifySignature(der, 'RS256', publicKey)).toBe(false);
    const ed = generateKeyPairSync('ed448');
    const other = replaced(jws, sign(null, jws.signingInput, ed.privateKey));
    expect(verifySignature(other, 'EdDSA', ed.publicKey)).toBe(false);
  });

  it.each(['none', 'None', '', 'HS256', 'es256', 'toString', '__proto__', 'constructor'])(
    'does not know the algorithm %j',
    (alg) => {
      const pem = keyOf('RS256').publicKey.export({ format: 'pem', type: 'spki' });
      const token = hmacToken({ alg }, claims, pem);
      expect(verifySignature(parse(token), alg, keyOf('RS256').publicKey)).toBe(false);
    },
  );

  it('refuses a PSS signature with a salt of another length', () => {
    const { privateKey, publicKey } = keyOf('PS256');
    const input = Buffer.from(encode({ alg: 'PS256' }, claims));
    const signature = sign('sha256', input, { key: privateKey, padding: 6, saltLength: 20 });
    const jws = parse(`${input.toString()}.${signature.toString('base64url')}`);
    expect(verifySignature(jws, 'PS256', publicKey)).toBe(false);
  });
});
