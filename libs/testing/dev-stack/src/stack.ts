import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastingLoopbackPort, loopbackPort, runVariable, type Realm } from '@modelgate/real-parts';
import { readAccess, withOwnSecrets, writeYaml } from './access.ts';
import { startParts, type Parts } from './parts.ts';
import { ServiceProcess } from './service-process.ts';
import type { CatalogueModel, StackOptions } from './stack-options.ts';
import { TokenServices } from './token-services.ts';

const modelAudience = 'https://models.example.com';
const modelDomain = 'models.example.com';

/** Both services, between the parts they need, ready. */
export interface Stack {
  /** The token service's issuer URL. */
  issuer: string;
  /** Origin of each token service's admin API. */
  admins: readonly string[];
  /** Origin of each gateway's data plane. */
  gateways: readonly string[];
  gatewayHealth: readonly string[];
  parts: Parts;
  realm: Realm;
  tokenServices: TokenServices;
  gatewayProcesses: readonly ServiceProcess[];
  /** Client of the token service → the file its secret is in. */
  secretFiles: Readonly<Record<string, string>>;
  /** The environment of the token service, which its admin command needs too. */
  tokenServiceEnv: Readonly<Record<string, string>>;
  folder: string;
  stop(): Promise<void>;
}

/** Starts everything; stops what did start where something does not. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const parts = await startParts(options);
  const stops: (() => Promise<void>)[] = [() => parts.stop()];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).toReversed()) await end().catch(() => undefined);
  };
  try {
    return await startServices(options, parts, stops, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startServices(
  options: StackOptions,
  parts: Parts,
  stops: (() => Promise<void>)[],
  stop: () => Promise<void>,
): Promise<Stack> {
  const logs = join(options.folder, 'logs');
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const wanted = options.ports?.tokenService;
  // Replicas are killed and come back to it, while gateways go on asking for it.
  const port = wanted ? await loopbackPort(wanted) : await lastingLoopbackPort();
  const issuer = `http://127.0.0.1:${port}`;
  const { secretFiles, env } = configureTokenService(options, parts, issuer);

  const count = options.replicas?.tokenService ?? 1;
  const tokenServices = new TokenServices({
    count,
    port,
    replica: (index) => ({
      name: `token-service-${index}`,
      script: join(options.root, 'apps/token-service/dist/main.js'),
      env,
      logFile: join(logs, `token-service-${index}.log`),
    }),
    ready: (service) => ready(service, service.urls['http'] ?? ''),
  });
  stops.push(() => tokenServices.stop());
  const [gatewayProcesses] = await Promise.all([
    startGateways(options, parts, { issuer, secretFile: secretFiles['gateway'] }, stops),
    tokenServices.start(count),
  ]);
  await Promise.all(gatewayProcesses.map((service) => ready(service, service.urls['management'] ?? '')));
  return {
    issuer,
    admins: tokenServices.running.map(({ urls }) => urls['admin'] ?? ''),
    gateways: gatewayProcesses.map(({ urls }) => urls['http'] ?? ''),
    gatewayHealth: gatewayProcesses.map(({ urls }) => urls['management'] ?? ''),
    parts,
    realm: parts.realm,
    tokenServices,
    gatewayProcesses,
    secretFiles,
    tokenServiceEnv: { ...env, PORT: String(port) },
    folder: options.folder,
    stop,
  };
}

function configureTokenService(options: StackOptions, parts: Parts, issuer: string) {
  const written = readAccess(options.root);
  const issuers = written.issuers.map((entry) => ({
    ...entry,
    issuer: parts.realm.issuer,
    jwksUri: parts.realm.jwksUri,
  }));
  const { access, secretFiles } = withOwnSecrets({ ...written, issuers }, join(options.folder, 'secrets'));
  const env = {
    TOKEN_ISSUER: issuer,
    HOST: '127.0.0.1',
    ADMIN_PORT: '0',
    MODEL_AUDIENCE: modelAudience,
    DATABASE_URL: parts.database.url,
    KEK_FILE: join(options.folder, 'kek.json'),
    ACCESS_FILE: writeYaml(join(options.folder, 'access.yaml'), options.access?.(access) ?? access),
    ...mark(options),
    ...options.tokenServiceEnv,
  };
  return { env, secretFiles };
}

async function startGateways(
  options: StackOptions,
  parts: Parts,
  { issuer, secretFile }: { issuer: string; secretFile: string | undefined },
  stops: (() => Promise<void>)[],
): Promise<ServiceProcess[]> {
  const models = modelsAt(parts.modelServer.url);
  const catalogue = { domain: modelDomain, models: (await options.catalogue?.(models)) ?? models };
  const file = writeYaml(join(options.folder, 'catalogue.yaml'), catalogue);
  return startAll(options.replicas?.gateway ?? 1, stops, (index) => ({
    name: `gateway-${index}`,
    script: join(options.root, 'apps/gateway/dist/main.js'),
    env: {
      TOKEN_ISSUER: issuer,
      MODEL_AUDIENCE: modelAudience,
      CATALOGUE_FILE: file,
      ...(secretFile !== undefined && { CATALOGUE_CLIENT_ID: 'gateway', CATALOGUE_CLIENT_SECRET_FILE: secretFile }),
      HOST: '127.0.0.1',
      PORT: String(index === 0 ? (options.ports?.gateway ?? 0) : 0),
      MANAGEMENT_HOST: '127.0.0.1',
      MANAGEMENT_PORT: '0',
      ...mark(options),
      ...options.gatewayEnv,
    },
    logFile: join(options.folder, 'logs', `gateway-${index}.log`),
    listeners: 2,
  }));
}

function mark({ run }: StackOptions): Record<string, string> {
  return run ? { [runVariable]: run.path } : {};
}

/** The example's models, at the server that really runs. */
function modelsAt(url: string): CatalogueModel[] {
  return [
    { model: 'fraud/iris', modelName: 'iris', upstream: url, protocols: ['v1', 'v2'] },
    { model: 'vision/digits', modelName: 'digits', upstream: url, protocols: ['v1', 'v2'] },
  ];
}

async function startAll(
  count: number,
  stops: (() => Promise<void>)[],
  options: (index: number) => Parameters<typeof ServiceProcess.start>[0],
): Promise<ServiceProcess[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const service = await ServiceProcess.start(options(index));
      stops.push(() => service.stop());
      return service;
    }),
  );
}

const readyTimeoutMs = 120_000;

/** @throws Error with what the service says it waits for */
async function ready({ name }: ServiceProcess, url: string): Promise<void> {
  const deadline = Date.now() + readyTimeoutMs;
  for (;;) {
    const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
    const text = (await answer?.text()) ?? 'no answer';
    if (answer?.status === 200) return;
    if (Date.now() > deadline) throw new Error(`${name} is not ready: ${text}`);
    await sleep(50);
  }
}

/** The secret of a client of the token service. */
export function readSecret(stack: Stack, clientId: string): string {
  return readFileSync(stack.secretFiles[clientId] ?? '', 'utf8');
}
