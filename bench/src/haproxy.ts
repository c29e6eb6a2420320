import { spawnSync } from 'node:child_process';
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOn } from './child.ts';
import { freePort, untilListening, type Proxy, type Setting } from './proxy.ts';

/** Whether HAProxy can be had here, and which. */
export function haproxyVersion(): string | undefined {
  const { status, stdout } = spawnSync('haproxy', ['-v'], { encoding: 'utf8' });
  return status === 0 ? `HAProxy/${/version ([\d.]+)/.exec(stdout)?.[1] ?? ''}` : undefined;
}

/** HAProxy with one thread that checks signature, issuer, audience, expiry and scope of every request; it has no cache for them. */
export async function startHaproxy(setting: Setting): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-haproxy-'));
  const port = await freePort();
  const keyFile = join(folder, 'issuer.pem');
  const jwk = setting.jwk as JsonWebKey;
  writeFileSync(keyFile, createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }));
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, configuration(port, keyFile, bind(folder, setting), setting));
  const process = startOn('measured', ['haproxy', '-db', '-q', '-f', file]);
  await untilListening(port, process);
  return {
    port,
    pids: [process.pid ?? 0],
    stop: () => {
      process.kill('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function bind(folder: string, { tls }: Setting): string {
  if (!tls) return '';
  const file = join(folder, 'listener.pem');
  writeFileSync(file, `${readFileSync(tls.certFile, 'utf8')}\n${readFileSync(tls.keyFile, 'utf8')}`, { mode: 0o600 });
  return ` ssl crt ${file}`;
}

function configuration(port: number, keyFile: string, tls: string, setting: Setting): string {
  const claim = (path: string, value: string): string =>
    `  http-request deny deny_status 401 unless { var(txn.bearer),jwt_payload_query('$.${path}') -m str ${value} }`;
  return `global
  nbthread 1
  maxconn 4096
  tune.bufsize 131072
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  timeout http-keep-alive 600s
  http-reuse always
frontend f
  bind 127.0.0.1:${port}${tls}
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request deny deny_status 401 unless { var(txn.alg) -m str ES256 }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify(txn.alg,"${keyFile}") 1 }
${claim('iss', setting.issuer)}
${claim('aud', setting.audience)}
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request deny deny_status 403 unless { var(txn.bearer),jwt_payload_query('$.scope') -m str ${setting.scope} }
  http-request deny deny_status 403 unless { path_beg /v1/models/iris: /v2/models/iris/ }
  default_backend b
backend b
  server s 127.0.0.1:${setting.upstreamPort}
`;
}
