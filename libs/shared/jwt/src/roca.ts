/**
 * The fingerprint of CVE-2017-15361 (ROCA): keys of one widely sold smart card library have a modulus that is a power of
 * 65537 modulo each of the first primes, so that its factors can be found. Any other modulus passes for one of them about
 * once in 2^27 times.
 */
const generator = 65_537;
const primes = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
  127, 131, 137, 139, 149, 151, 157, 163, 167,
];
const powers = primes.map((prime) => ({ prime: BigInt(prime), residues: residuesOf(prime) }));

/** Whether an RSA modulus carries the fingerprint. */
export function isRocaModulus(modulus: bigint): boolean {
  return powers.every(({ prime, residues }) => residues.has(Number(modulus % prime)));
}

function residuesOf(prime: number): ReadonlySet<number> {
  const residues = new Set<number>();
  for (let power = 1; !residues.has(power); power = (power * generator) % prime) residues.add(power);
  return residues;
}
