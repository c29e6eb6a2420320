/**
 * What tests and benchmarks pretend with: a clock that stands still, key pairs, an issuer on a real socket; and
 * where the test data of others is.
 * Owns no rule of the product; nothing shipped imports it.
 */
export { CertificateAuthority, type IssuedCertificate } from './certificate-authority.ts';
export { FakeGrpcServer, grpcMessage, type GrpcBehaviour, type SeenCall } from './fake-grpc-server.ts';
export { FakeIssuer } from './fake-issuer.ts';
export { FakeKServe } from './fake-kserve.ts';
export { inferenceProto } from './inference-proto.ts';
export { KubernetesSchemas, type Manifest } from './kubernetes-schemas.ts';
export { ManualClock } from './manual-clock.ts';
export { OpenApiContract } from './openapi-contract.ts';
export { suiteCases, suiteLines, suitesMissing, suiteText } from './public-suites.ts';
export { SigningPair } from './signing-pair.ts';
