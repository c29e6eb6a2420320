import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOn } from './child.ts';
import { children, freePort, untilListening, type Proxy, type Setting } from './proxy.ts';

/** Whether a bare nginx can be had here, and which. */
export function nginxVersion(): string | undefined {
  const { status, stderr } = spawnSync('nginx', ['-v'], { encoding: 'utf8' });
  return status === 0 ? /nginx\/[\d.]+/.exec(stderr)?.[0] : undefined;
}

/** nginx with one worker as a bare reverse proxy with keep-alive both ways: no access log, no rule, no check. */
export async function startNginx(setting: Setting): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-nginx-'));
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, configuration(folder, port, setting));
  const master = startOn('measured', ['nginx', '-c', file, '-p', folder]);
  await untilListening(port, master);
  const pids = [master.pid ?? 0, ...children(master.pid ?? 0)];
  return {
    port,
    pids,
    stop: () => {
      master.kill('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configuration(folder: string, port: number, { upstreamPort, tls }: Setting): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const certificate = tls ? `ssl_certificate ${tls.certFile}; ssl_certificate_key ${tls.keyFile};` : '';
  return `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 600s; client_max_body_size 64m; client_body_buffer_size 256k;
  ${temporary.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
  upstream model { server 127.0.0.1:${upstreamPort}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port}${tls ? ' ssl' : ''}; ${certificate}
    location / { proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`;
}
