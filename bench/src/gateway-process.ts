import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServiceProcess } from '@modelgate/dev-stack';
import { moveTo } from './child.ts';
import { Inspector } from './inspector.ts';
import type { Proxy, Setting } from './proxy.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface GatewayOptions {
  /** Models beside `fraud/iris`. */
  furtherModels?: number;
  /** Models whose server is another one, by its port. */
  elsewhere?: Readonly<Record<string, number>>;
  env?: Readonly<Record<string, string>>;
}

/** Names of models in a hundred namespaces. */
export function furtherModels(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `team-${at % 100}/model-${at}`);
}

/** A gateway that can be looked into. */
export interface InspectedGateway extends Proxy {
  inspector: Inspector;
}

/** With its inspector open, on loopback. */
export async function startInspectedGateway(setting: Setting, options: GatewayOptions): Promise<InspectedGateway> {
  const env = { ...options.env, NODE_OPTIONS: '--inspect=127.0.0.1:0' };
  const gateway = await startGateway(setting, { ...options, env });
  const inspector = await Inspector.of(gateway.logFile);
  const stop = (): void => {
    inspector.close();
    gateway.stop();
  };
  return { ...gateway, inspector, stop };
}

/** The gateway as it is shipped, one process, in front of one model server. */
export async function startGateway(
  setting: Setting,
  options: GatewayOptions = {},
): Promise<Proxy & { logFile: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-bench-'));
  const catalogue = join(folder, 'catalogue.yaml');
  const logFile = join(folder, 'gateway.log');
  const names = ['fraud/iris', ...furtherModels(options.furtherModels ?? 0)];
  const protocols = setting.grpc ? ['grpc'] : ['v1', 'v2', 'openai'];
  const ports = new Map(names.map((name) => [name, setting.upstreamPort]));
  for (const [name, port] of Object.entries(options.elsewhere ?? {})) ports.set(name, port);
  const models = [...ports].map(([model, port]) => ({ model, upstream: `http://127.0.0.1:${port}`, protocols }));
  writeFileSync(catalogue, JSON.stringify({ domain: 'models.example.com', models }));
  const service = await ServiceProcess.start({
    name: 'gateway',
    script: join(root, 'apps/gateway/dist/main.js'),
    env: {
      TOKEN_ISSUER: setting.issuer,
      MODEL_AUDIENCE: setting.audience,
      CATALOGUE_FILE: catalogue,
      PORT: '0',
      MANAGEMENT_PORT: '0',
      ...(setting.tls && { TLS_CERT_FILE: setting.tls.certFile, TLS_KEY_FILE: setting.tls.keyFile }),
      ...options.env,
    },
    logFile,
    listeners: 2,
  });
  moveTo('measured', service.pid);
  while ((await fetch(`${service.urls['management']}/health/ready`)).status !== 200);
  return {
    port: Number(new URL(service.urls['http'] ?? '').port),
    pids: [service.pid],
    logFile,
    stop: () => {
      service.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
