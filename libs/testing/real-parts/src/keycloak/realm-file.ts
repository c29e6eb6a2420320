import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What the development realm holds, from the file Keycloak imports; passwords and secrets in it are for development only. */
export interface RealmFile {
  realm: string;
  accessTokenLifespan: number;
  clients: readonly RealmClient[];
  users: readonly RealmUser[];
}

export interface RealmClient {
  clientId: string;
  /** Absent: a public client. */
  secret?: string;
  directAccessGrantsEnabled: boolean;
  serviceAccountsEnabled: boolean;
  attributes?: Readonly<Record<string, string>>;
  protocolMappers?: readonly { protocolMapper: string; config: Readonly<Record<string, string>> }[];
}

export interface RealmUser {
  username: string;
  firstName?: string;
  lastName?: string;
  email?: string;
  /** Absent: a person. */
  serviceAccountClientId?: string;
  credentials?: readonly { type: string; value: string }[];
  realmRoles: readonly string[];
  clientRoles?: Readonly<Record<string, readonly string[]>>;
  groups?: readonly string[];
}

export const realmFilePath = fileURLToPath(
  new URL('../../../../../deploy/keycloak/modelgate-realm.json', import.meta.url),
);
/** The client that stands for the token service: what `aud` of an exchangeable token contains. */
export const tokenServiceAudience = 'modelgate-sts';

export function readRealmFile(): RealmFile {
  return JSON.parse(readFileSync(realmFilePath, 'utf8')) as RealmFile;
}

/** @throws Error naming the client and the file's clients */
export function realmClient(file: RealmFile, clientId: string): RealmClient {
  const client = file.clients.find((candidate) => candidate.clientId === clientId);
  if (client) return client;
  throw new Error(`the realm has no client ${clientId}; it has ${file.clients.map((one) => one.clientId).join(', ')}`);
}

/** @throws Error naming the user and the file's users */
export function realmUser(file: RealmFile, username: string): RealmUser {
  const user = file.users.find((candidate) => candidate.username === username);
  if (user) return user;
  throw new Error(`the realm has no user ${username}; it has ${file.users.map((one) => one.username).join(', ')}`);
}
