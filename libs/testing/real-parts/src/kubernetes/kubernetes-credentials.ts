import { CertificateAuthority } from '@modelgate/testing';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loopback } from '../machine/loopback-port.ts';

/** What an API server is started with and its administrator gets in by, written to one folder. */
export interface KubernetesCredentials {
  /** Certificate of the authority that signed the server's own, as PEM. */
  ca: string;
  adminToken: string;
  certFile: string;
  keyFile: string;
  /** Signs and verifies the tokens of ServiceAccounts. */
  serviceAccountKeyFile: string;
  tokenAuthFile: string;
  /** Of the administrator. */
  kubeconfigFile: string;
}

export async function writeKubernetesCredentials(folder: string, url: string): Promise<KubernetesCredentials> {
  const authority = await CertificateAuthority.create('Kubernetes test CA');
  const certificate = await authority.issue({ names: [loopback, 'localhost', 'kubernetes.default.svc'] });
  const serviceAccounts = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const adminToken = randomBytes(24).toString('base64url');
  const write = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  return {
    ca: authority.cert,
    adminToken,
    certFile: write('server.crt', certificate.cert),
    keyFile: write('server.key', certificate.key),
    serviceAccountKeyFile: write('service-accounts.key', serviceAccounts.privateKey),
    tokenAuthFile: write('tokens.csv', `${adminToken},admin,admin,system:masters\n`),
    kubeconfigFile: write('kubeconfig', kubeconfig({ url, ca: authority.cert, token: adminToken })),
  };
}

/** The text of a kubeconfig file for whom this token names. JSON is YAML. */
export function kubeconfig({ url, ca, token }: { url: string; ca: string; token: string }): string {
  const cluster = { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'loopback', cluster }],
    users: [{ name: 'user', user: { token } }],
    contexts: [{ name: 'loopback', context: { cluster: 'loopback', user: 'user' } }],
    'current-context': 'loopback',
  });
}
