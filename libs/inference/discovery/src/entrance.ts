import { z } from 'zod';
import { NotServed, type KserveSettings, type Metadata } from './offer.ts';

type DeploymentMode = KserveSettings['deploymentMode'];

/** The cluster-internal address of a service. */
export interface Entrance {
  origin: string;
  /** The same service at another port; absent if it has only one. */
  originAt?: (port: number) => string;
}

export interface EntranceFacts {
  metadata: Metadata;
  status: unknown;
  mode: DeploymentMode;
  settings: KserveSettings;
  /** The component that receives requests first. */
  component: 'predictor' | 'transformer';
}

const statusSchema = z.looseObject({
  deploymentMode: z.string().optional(),
  address: z.looseObject({ url: z.string().optional() }).optional(),
});

const modes: Readonly<Record<string, DeploymentMode>> = {
  Standard: 'Standard',
  RawDeployment: 'Standard',
  Knative: 'Knative',
  Serverless: 'Knative',
};

/** @throws NotServed for a mode in which services have no address of their own */
export function deploymentMode({ annotations }: Metadata, status: unknown, settings: KserveSettings): DeploymentMode {
  const said = annotations['serving.kserve.io/deploymentMode'] ?? statusSchema.safeParse(status).data?.deploymentMode;
  if (said === undefined || said === '') return settings.deploymentMode;
  const mode = modes[said];
  if (!mode) throw new NotServed(`deployment mode ${said} is not served`);
  return mode;
}

/**
 * Knative routes to all components at the service's own name. Standard has one service per component; only the first
 * component is an entrance, because a caller of another one would bypass it.
 */
export function entranceOf({ metadata, status, mode, settings, component }: EntranceFacts): Entrance {
  const { name, namespace } = metadata;
  const service = mode === 'Knative' ? name : `${name}-${component}`;
  const inNamespace = `${namespace}.svc.${settings.clusterDomain}`;
  const hosts = [`${service}.${inNamespace}`, `${service}-default.${inNamespace}`];
  const origin = reportedOrigin(status, hosts) ?? `http://${service}.${inNamespace}`;
  if (mode === 'Knative') return { origin };
  return { origin, originAt: (port) => `http://${new URL(origin).hostname}:${port}` };
}

/**
 * Scheme and port as KServe reports them. An address that does not belong to this service is ignored: it may be
 * outdated, and an object must not redirect callers by its own status.
 */
function reportedOrigin(status: unknown, hosts: readonly string[]): string | undefined {
  const address = statusSchema.safeParse(status).data?.address?.url;
  if (address === undefined || !URL.canParse(address)) return undefined;
  const { protocol, hostname, origin } = new URL(address);
  return hosts.includes(hostname) && (protocol === 'http:' || protocol === 'https:') ? origin : undefined;
}
