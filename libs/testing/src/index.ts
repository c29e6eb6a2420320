/**
 * What tests and benchmarks pretend with: a clock that stands still, key pairs, an issuer on a real socket.
 * Owns no rule of the product; nothing shipped imports it.
 */
export { FakeIssuer, type TokenOverrides } from './fake-issuer.ts';
export { FakeKServe, type Behaviour, type SeenRequest } from './fake-kserve.ts';
export { ManualClock } from './manual-clock.ts';
export { SigningPair } from './signing-pair.ts';
