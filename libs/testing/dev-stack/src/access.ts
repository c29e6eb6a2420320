import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

/** The access file, as far as the stack changes it; everything else passes through as written. */
export interface Access {
  issuers: Record<string, unknown>[];
  clients: { clientId: string; authentication: string; secretSha256?: string[]; [member: string]: unknown }[];
  policies: Record<string, unknown>[];
}

/** The example configuration the compose file mounts is the one everything else starts from. */
export function readAccess(root: string): Access {
  return parse(readFileSync(join(root, 'deploy/compose/access.yaml'), 'utf8')) as Access;
}

export function writeYaml(file: string, content: unknown): string {
  writeFileSync(file, stringify(content), { mode: 0o600 });
  return file;
}

/** Gives every client with a secret one of its own, kept in a file only this user can read, and says where. */
export function withOwnSecrets(
  access: Access,
  folder: string,
): { access: Access; secretFiles: Record<string, string> } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const secretFiles: Record<string, string> = {};
  const clients = access.clients.map((client) => {
    if (client.authentication !== 'client_secret') return client;
    const file = join(folder, client.clientId);
    if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600 });
    secretFiles[client.clientId] = file;
    return { ...client, secretSha256: [createHash('sha256').update(readFileSync(file)).digest('hex')] };
  });
  return { access: { ...access, clients }, secretFiles };
}
