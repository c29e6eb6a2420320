/**
 * The real parts the suites, `npm start` and the benchmarks run against: whether each can be had on this machine, how it
 * comes into the cache, how it starts on loopback and how it ends without leaving a process behind. It owns the cache
 * folder, the run folders and the helpers that get tokens from the realm. It does not own what is tested with them.
 */
export { dpopProof, generateDpopKey, type DpopKey } from './dpop-proof.ts';
export { cacheFolder } from './environment.ts';
export { envoy } from './envoy.ts';
export { h2spec } from './h2spec.ts';
export { identityProvider } from './identity-provider.ts';
export { installAll, type InstallOutcome } from './install-all.ts';
export { keycloak } from './keycloak.ts';
export { kserve } from './kserve.ts';
export { kserveCrds } from './kserve-crds.ts';
export { kubeApiserver, type KubeApiserver, type KubeApiserverOptions } from './kube-apiserver.ts';
export { KubernetesRefused, type KubernetesApi, type KubernetesObject } from './kubernetes-api.ts';
export { kserveOpenai, type LanguageModelServer } from './kserve-openai.ts';
export { lastingLoopbackPort, loopback, loopbackPort } from './loopback-port.ts';
export { mlserver, type MlServer } from './mlserver.ts';
export { modelFeatures, type ModelServer } from './model-server.ts';
export { oipServer } from './oip-server.ts';
export { postgres, type PostgresServer } from './postgres.ts';
export { redis, type RedisServer } from './redis.ts';
export { Realm, TokenRefused, type TokenOptions, type TokenSet } from './realm.ts';
export { tokenServiceAudience, type RealmClient, type RealmUser } from './realm-file.ts';
export type {
  Availability,
  InstallablePart,
  InstallOptions,
  ProgressListener,
  RealPart,
  StartOptions,
} from './real-part.ts';
export { Progress } from './progress.ts';
export { endRun, liveOwners, RunFolder, runVariable } from './run-folder.ts';
export { PartMissing, requireOrSkip } from './require-or-skip.ts';
