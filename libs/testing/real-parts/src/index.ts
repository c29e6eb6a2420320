/**
 * The real parts the suites, `npm start` and the benchmarks run against: whether each can be had on this machine, how it
 * comes into the cache, how it starts on loopback and how it ends without leaving a process behind. It owns the cache
 * folder, the run folders and the helpers that get tokens from the realm. It does not own what is tested with them, nor
 * what runs where a part cannot be had (`stand-ins`).
 */
export { generateDpopKey } from './keycloak/dpop-proof.ts';
export { cacheFolder } from './machine/environment.ts';
export { envoy } from './envoy.ts';
export { h2spec } from './h2spec.ts';
export { installAll } from './install-all.ts';
export { keycloak } from './keycloak/keycloak.ts';
export { kserve } from './kserve/kserve.ts';
export { kserveCrds } from './kserve/kserve-crds.ts';
export { kubeApiserver, type KubeApiserver } from './kubernetes/kube-apiserver.ts';
export type { KubernetesObject } from './kubernetes/kubernetes-api.ts';
export { kserveOpenai, type LanguageModelServer } from './kserve/kserve-openai.ts';
export { lastingLoopbackPort, loopback, loopbackPort } from './machine/loopback-port.ts';
export { mlserver, type MlServer } from './kserve/mlserver.ts';
export { modelFeatures, type ModelServer } from './kserve/model-server.ts';
export { postgres, type PostgresServer } from './postgres/postgres.ts';
export { redis, type RedisServer } from './redis.ts';
export { Realm } from './keycloak/realm.ts';
export { readRealmFile, realmClient, type RealmClient, type RealmFile, type RealmUser } from './keycloak/realm-file.ts';
export type { Availability, RealPart, StartOptions } from './real-part.ts';
export { Progress } from './machine/progress.ts';
export { liveOwners, RunFolder, runVariable } from './machine/run-folder.ts';
export { requireOrSkip } from './require-or-skip.ts';
