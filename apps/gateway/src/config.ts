import {
  absoluteUri,
  commaSeparated,
  ConfigurationError,
  duration,
  issuerUrl,
  listenerSettings,
  loadConfig,
  logLevel,
  port,
  redisUrl,
  transportProblems,
  wholeNumber,
  type Environment,
} from '@modelgate/nest';
import { formatDuration, LimitError, maxClockSkewSeconds, maxTokenLifeSeconds, parseLimit } from '@modelgate/core';
import { isDnsName } from '@modelgate/catalogue';
import { z } from 'zod';
import { isOrigin } from './cors.ts';

const limit = z.string().transform((text, context) => {
  try {
    return parseLimit(text);
  } catch (error) {
    if (!(error instanceof LimitError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});

const origin = z
  .string()
  .refine(isOrigin, { error: ({ input }) => `${String(input)} is not an origin such as https://console.example.com` });

const namespace = z.string().refine((name) => isDnsName(name) && !name.includes('.'), {
  error: ({ input }) => `${String(input)} is not the name of a namespace`,
});

/**
 * Signature algorithms that the issuer may use (RFC 7518 §3.1, RFC 8037 §3.1). MACs are excluded, so a public key is
 * never used as a secret.
 */
const tokenAlgs: readonly string[] = ['ES256', 'RS256', 'PS256', 'EdDSA'];

const tokenAlg = z.string().refine((alg) => tokenAlgs.includes(alg), {
  error: ({ input }) => `${String(input)} is not one of ${tokenAlgs.join(', ')}`,
});

const httpOrigin = z.string().refine(isOrigin, 'must be http:// or https:// with a host and at most a port');

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

/** The environment variables, each with its description. */
export const gatewaySettings = z.object({
  TOKEN_ISSUER: issuerUrl.describe('The issuer whose tokens are accepted; its metadata names its keys and feeds.'),
  MODEL_AUDIENCE: absoluteUri.describe('The required `aud` of tokens.'),
  TOKEN_ALGS: commaSeparated(tokenAlg)
    .prefault(tokenAlgs.join(','))
    .describe(
      'Accepted signature algorithms, separated by commas. Each key is used only with its own algorithm, whatever a token says.',
    ),
  CATALOGUE_FILE: z.string().describe('The catalogue: which models exist and where each is served.'),
  CATALOGUE_INTERVAL: duration({ min: 1, max: 3600 })
    .prefault('2s')
    .describe('How often the catalogue file is checked for changes.'),
  CATALOGUE_CLIENT_ID: z
    .string()
    .optional()
    .describe(
      'Client ID of the gateway at the issuer, used to fetch the models registered there; by default, none are fetched.',
    ),
  CATALOGUE_CLIENT_SECRET: z.string().optional().describe('Secret of CATALOGUE_CLIENT_ID.'),
  KUBERNETES_DISCOVERY: z
    .enum(['off', 'in-cluster', 'kubeconfig'])
    .default('off')
    .describe(
      'Also discovers models in a Kubernetes cluster, with the ServiceAccount of the gateway’s pod or with KUBECONFIG.',
    ),
  KUBECONFIG: z
    .string()
    .optional()
    .describe('The kubeconfig whose current context is used if KUBERNETES_DISCOVERY is kubeconfig.'),
  KUBERNETES_NAMESPACES: commaSeparated(namespace)
    .default([])
    .describe('Namespaces in which models are discovered, separated by commas; all by default.'),
  KSERVE_DEPLOYMENT_MODE: z
    .enum(['Knative', 'Standard'])
    .default('Knative')
    .describe(
      'Deployment mode of services that do not declare one: `defaultDeploymentMode` of KServe’s inferenceservice-config.',
    ),
  KSERVE_LLM_GATEWAY: httpOrigin
    .optional()
    .describe(
      'Origin of the gateway through which KServe routes LLMInferenceServices; without it, their servers are called directly.',
    ),
  CLUSTER_DOMAIN: z
    .string()
    .refine(isDnsName, 'must be a DNS name such as cluster.local')
    .default('cluster.local')
    .describe('The DNS domain of the cluster’s services.'),
  CORS_ALLOWED_ORIGINS: commaSeparated(origin)
    .default([])
    .describe('Origins whose scripts may call models from a browser, separated by commas; none by default.'),
  HOST: z.string().default('127.0.0.1').describe('Address on which the data plane listens.'),
  PORT: port.default(8081).describe('0 selects a free port, which is logged.'),
  ...listenerSettings,
  REUSE_PORT: flag
    .prefault('false')
    .describe(
      'Lets several gateways on one machine share the port. Each listens once it is ready; the kernel distributes connections among them.',
    ),
  MAX_CONNECTIONS: wholeNumber(1, 1_000_000)
    .default(20_000)
    .describe('Maximum connections of all callers together; a further one is closed immediately.'),
  HEADERS_TIMEOUT: duration({ min: 1, max: 300 })
    .prefault('10s')
    .describe('Until the header section of a request has arrived.'),
  REQUEST_TIMEOUT: duration({ min: 1, max: 86_400 })
    .prefault('5m')
    .describe('Until the whole request has arrived, including its body.'),
  IDLE_TIMEOUT: duration({ min: 1, max: 3600 })
    .prefault('65s')
    .describe('Timeout of an idle connection; must be longer than that of any load balancer in front.'),
  MANAGEMENT_HOST: z.string().default('127.0.0.1').describe('Address of the health checks and of `/catalogue`.'),
  MANAGEMENT_PORT: port.default(9081).describe('0 selects a free port, which is logged.'),
  STATE_FOLDER: z
    .string()
    .optional()
    .describe(
      'Folder for the issuer’s last answers, so that a gateway can start while the issuer is down; none by default.',
    ),
  FEED_INTERVAL: duration({ min: 1, max: 60 })
    .prefault('1s')
    .describe('How often revocations, limits and registered models are fetched from the issuer.'),
  DEFAULT_LIMIT: limit
    .prefault('600/1m')
    .describe('Limit for tokens whose policy has none: requests per window, in the format of a policy.'),
  REDIS_URL: redisUrl
    .optional()
    .describe('Redis or Valkey in which gateways count limits together; without it, each process counts its own.'),
  TOKEN_CACHE_SIZE: wholeNumber(2, 10_000_000)
    .default(10_000)
    .describe('Number of verified tokens to remember, about 1 KB each; the least recently used one is evicted.'),
  MAX_TOKEN_LIFETIME: duration({ min: 10, max: 86_400 })
    .prefault(formatDuration(maxTokenLifeSeconds))
    .describe('Maximum lifetime of accepted tokens, and how long a stream may continue after its token has expired.'),
  CLOCK_SKEW: duration({ max: maxClockSkewSeconds })
    .prefault('30s')
    .describe('Permitted difference between the issuer’s clock and this one.'),
  MAX_BODY_BYTES: wholeNumber(1, 2 ** 40)
    .default(64 * 1024 * 1024)
    .describe('Maximum size of a request body.'),
  MAX_BUFFERED_BYTES: wholeNumber(1, 2 ** 40)
    .default(512 * 1024 * 1024)
    .describe(
      'Maximum size of all buffered bodies together. A body that names the model is buffered. One subject may use a quarter of it, or two bodies.',
    ),
  UPSTREAM_TIMEOUT: duration({ min: 1, max: 86_400 })
    .prefault('5m')
    .describe('Until the first byte of a model’s answer.'),
  UPSTREAM_IDLE_TIMEOUT: duration({ min: 1, max: 86_400 })
    .prefault('5m')
    .describe('Between two pieces of a model’s answer; the total duration of a stream is not limited.'),
  STALLED_TIMEOUT: duration({ min: 1, max: 86_400 })
    .prefault('1m')
    .describe('Timeout of an answer whose caller does not read it.'),
  UPSTREAM_CONNECTIONS: wholeNumber(1, 100_000)
    .default(128)
    .describe('Maximum connections to each origin of a model server; further requests wait.'),
  UPSTREAM_CA_FILE: z
    .string()
    .optional()
    .describe('Certificate authorities for model servers, as PEM; Node’s own by default.'),
  UPSTREAM_CERT_FILE: z
    .string()
    .optional()
    .describe('Certificate chain that the gateway shows to model servers, as PEM.'),
  UPSTREAM_KEY_FILE: z.string().optional().describe('Key of UPSTREAM_CERT_FILE, as PEM.'),
  MAX_CONCURRENT_PER_SUBJECT: wholeNumber(1, 1_000_000)
    .default(100)
    .describe('Maximum concurrent requests of one subject, over all models; each process counts its own.'),
  MAX_REVOCATION_AGE: duration({ min: 5, max: 86_400 })
    .optional()
    .describe(
      'Maximum age of the revocation list; if it is older, no token is accepted. Without it, the last known list is used.',
    ),
  DRAIN_DELAY: duration({ max: 300 })
    .prefault('0s')
    .describe('How long a stopping gateway reports that it is not ready but still accepts requests.'),
  SHUTDOWN_GRACE: duration({ max: 3600 })
    .prefault('10s')
    .describe('How long a stopping gateway waits for answers that are under way.'),
  LOG_LEVEL: logLevel,
});

export type Config = z.output<typeof gatewaySettings>;

/** @throws ConfigurationError */
export function readConfig(environment: Environment): Config {
  const config = loadConfig(gatewaySettings, environment);
  const problems = transportProblems(config, { HOST: config.HOST });
  if (config.CLOCK_SKEW >= config.MAX_TOKEN_LIFETIME) {
    problems.push('CLOCK_SKEW must be shorter than MAX_TOKEN_LIFETIME');
  }
  if ((config.UPSTREAM_CERT_FILE === undefined) !== (config.UPSTREAM_KEY_FILE === undefined)) {
    problems.push('UPSTREAM_CERT_FILE and UPSTREAM_KEY_FILE belong together; set both or neither');
  }
  if (config.MAX_BUFFERED_BYTES < config.MAX_BODY_BYTES) {
    problems.push('MAX_BUFFERED_BYTES must not be less than MAX_BODY_BYTES');
  }
  if (config.MAX_REVOCATION_AGE !== undefined && config.MAX_REVOCATION_AGE < 2 * config.FEED_INTERVAL) {
    problems.push('MAX_REVOCATION_AGE must be at least twice FEED_INTERVAL');
  }
  if (config.HEADERS_TIMEOUT > config.REQUEST_TIMEOUT) {
    problems.push('HEADERS_TIMEOUT must not be longer than REQUEST_TIMEOUT');
  }
  if ((config.CATALOGUE_CLIENT_ID === undefined) !== (config.CATALOGUE_CLIENT_SECRET === undefined)) {
    problems.push('CATALOGUE_CLIENT_ID and CATALOGUE_CLIENT_SECRET belong together; set both or neither');
  }
  if (config.KUBERNETES_DISCOVERY === 'kubeconfig' && config.KUBECONFIG === undefined) {
    problems.push('KUBECONFIG must name a file where KUBERNETES_DISCOVERY is kubeconfig');
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return config;
}
