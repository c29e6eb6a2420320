import { z } from 'zod';
import { NotServed, type KserveSettings, type Metadata } from './offer.ts';

type DeploymentMode = KserveSettings['deploymentMode'];

/** Where requests to a service of the cluster go in, from within. */
export interface Entrance {
  origin: string;
  /** The same service at another of its ports; absent where it has one port only. */
  originAt?: (port: number) => string;
}

export interface EntranceFacts {
  metadata: Metadata;
  status: unknown;
  mode: DeploymentMode;
  settings: KserveSettings;
  /** The one that requests come to first. */
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

/** @throws NotServed for a mode in which services have no entrance of their own */
export function deploymentMode({ annotations }: Metadata, status: unknown, settings: KserveSettings): DeploymentMode {
  const said = annotations['serving.kserve.io/deploymentMode'] ?? statusSchema.safeParse(status).data?.deploymentMode;
  if (said === undefined || said === '') return settings.deploymentMode;
  const mode = modes[said];
  if (!mode) throw new NotServed(`deployment mode ${said} is not served`);
  return mode;
}

/**
 * Knative routes all of a service at its own name. Standard has a service per component, and only that of the first
 * component is an entrance: a caller at another one would go around it.
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
 * Scheme and port as KServe reports them. An address that is not that of the very service is not followed: it may be out of
 * date, and nobody is sent anywhere by what an object says of itself.
 */
function reportedOrigin(status: unknown, hosts: readonly string[]): string | undefined {
  const address = statusSchema.safeParse(status).data?.address?.url;
  if (address === undefined || !URL.canParse(address)) return undefined;
  const { protocol, hostname, origin } = new URL(address);
  return hosts.includes(hostname) && (protocol === 'http:' || protocol === 'https:') ? origin : undefined;
}
