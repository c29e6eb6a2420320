import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServiceProcess } from '@modelgate/dev-stack';
import { FakeIssuer } from '@modelgate/testing';
import { moveTo } from './child.ts';
import type { Proxy } from './nginx.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The gateway as it is shipped, one process, in front of one model; its issuer lives in this process. */
export async function startGateway(upstreamPort: number): Promise<Proxy & { token: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-bench-'));
  const issuer = await FakeIssuer.start();
  // On, and never reached.
  issuer.setLimit('fraud-scoring', { quota: 100_000_000, windowSeconds: 1 });
  const catalogue = join(folder, 'catalogue.yaml');
  const upstream = `http://127.0.0.1:${upstreamPort}`;
  const models = [{ model: 'fraud/iris', modelName: 'iris', upstream, protocols: ['v1', 'v2'] }];
  writeFileSync(catalogue, JSON.stringify({ domain: 'models.example.com', models }));
  const service = await ServiceProcess.start({
    name: 'gateway',
    script: join(root, 'apps/gateway/dist/main.js'),
    env: {
      TOKEN_ISSUER: issuer.url,
      MODEL_AUDIENCE: issuer.audience,
      CATALOGUE_FILE: catalogue,
      PORT: '0',
      MANAGEMENT_PORT: '0',
    },
    logFile: join(folder, 'gateway.log'),
    listeners: 2,
  });
  moveTo('measured', service.pid);
  while ((await fetch(`${service.urls['management']}/health/ready`)).status !== 200);
  return {
    port: Number(new URL(service.urls['http'] ?? '').port),
    pids: [service.pid],
    token: issuer.sign(),
    stop: () => {
      service.kill();
      void issuer.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
