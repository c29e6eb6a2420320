import type { Clock } from '@modelgate/core';
import { connectCluster, KubernetesError, type KubernetesClient } from '@modelgate/discovery';
import { ConfigurationError, type Logger } from '@modelgate/nest';
import { ClusterModels } from './cluster-models.ts';
import type { Config } from './config.ts';
import type { CurrentCatalogue } from './current-catalogue.ts';
import { RememberedModels } from './remembered-models.ts';

/**
 * A client of the configured cluster; undefined if none is configured. The cluster need not be reachable yet.
 *
 * @throws ConfigurationError if the access to it cannot be read
 */
export async function configuredCluster(config: Config): Promise<KubernetesClient | undefined> {
  const { KUBERNETES_DISCOVERY: discovery, KUBECONFIG: file } = config;
  if (discovery === 'off') return undefined;
  try {
    if (discovery === 'in-cluster') return await connectCluster({ kind: 'service-account' });
    return await connectCluster({ kind: 'kubeconfig', file: file ?? '' });
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error;
    throw new ConfigurationError([`KUBERNETES_DISCOVERY is ${discovery}, but ${error.message}`]);
  }
}

export interface ClusterParts {
  client: KubernetesClient;
  catalogue: CurrentCatalogue;
  clock: Clock;
  logger: Logger;
}

export function clusterModels(config: Config, parts: ClusterParts): ClusterModels {
  const { logger } = parts;
  const { STATE_FOLDER: folder } = config;
  const onProblem = (problem: string): void => logger.warn({ problem }, 'remembered models');
  return new ClusterModels({
    ...parts,
    namespaces: config.KUBERNETES_NAMESPACES,
    settings: {
      deploymentMode: config.KSERVE_DEPLOYMENT_MODE,
      clusterDomain: config.CLUSTER_DOMAIN,
      llmGateway: config.KSERVE_LLM_GATEWAY,
    },
    memory: folder === undefined ? undefined : new RememberedModels(folder, onProblem),
  });
}
