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

/** What the issuer may sign with (RFC 7518 §3.1, RFC 8037 §3.1): signatures alone, so that no public key is ever a secret. */
const tokenAlgs: readonly string[] = ['ES256', 'RS256', 'PS256', 'EdDSA'];

const tokenAlg = z.string().refine((alg) => tokenAlgs.includes(alg), {
  error: ({ input }) => `${String(input)} is not one of ${tokenAlgs.join(', ')}`,
});

const httpOrigin = z.string().refine(isOrigin, 'must be http:// or https:// with a host and at most a port');

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

/** The environment variables that are read, each with what it says. */
export const gatewaySettings = z.object({
  TOKEN_ISSUER: issuerUrl.describe('Whose tokens are accepted; its metadata says where its keys and feeds are.'),
  MODEL_AUDIENCE: absoluteUri.describe('`aud` of the tokens that are accepted.'),
  TOKEN_ALGS: commaSeparated(tokenAlg)
    .prefault(tokenAlgs.join(','))
    .describe(
      'Algorithms of those tokens, separated by commas. Each key is good for its own alone, whatever a token says.',
    ),
  CATALOGUE_FILE: z.string().describe('Which models there are, and where each is served.'),
  CATALOGUE_INTERVAL: duration({ min: 1, max: 3600 })
    .prefault('2s')
    .describe('How often the catalogue file is looked at for changes.'),
  CATALOGUE_CLIENT_ID: z
    .string()
    .optional()
    .describe(
      'Who the gateway is to the issuer, which then names the models that are registered there; by default, it asks for none.',
    ),
  CATALOGUE_CLIENT_SECRET: z.string().optional().describe('Of CATALOGUE_CLIENT_ID.'),
  KUBERNETES_DISCOVERY: z
    .enum(['off', 'in-cluster', 'kubeconfig'])
    .default('off')
    .describe(
      'Finds models in a Kubernetes cluster too: as the ServiceAccount of the gateway’s pod, or as KUBECONFIG says.',
    ),
  KUBECONFIG: z
    .string()
    .optional()
    .describe('Of which the current context is meant, where KUBERNETES_DISCOVERY is kubeconfig.'),
  KUBERNETES_NAMESPACES: commaSeparated(namespace)
    .default([])
    .describe('Namespaces whose models are found, separated by commas; all by default.'),
  KSERVE_DEPLOYMENT_MODE: z
    .enum(['Knative', 'Standard'])
    .default('Knative')
    .describe('How KServe deploys what does not say itself: `defaultDeploymentMode` of its inferenceservice-config.'),
  KSERVE_LLM_GATEWAY: httpOrigin
    .optional()
    .describe(
      'Origin of the gateway that KServe routes LLMInferenceServices at; without it, their servers are called directly.',
    ),
  CLUSTER_DOMAIN: z
    .string()
    .refine(isDnsName, 'must be a DNS name such as cluster.local')
    .default('cluster.local')
    .describe('The DNS domain of the cluster’s services.'),
  CORS_ALLOWED_ORIGINS: commaSeparated(origin)
    .default([])
    .describe('Origins whose scripts may call models from a browser, separated by commas; none by default.'),
  HOST: z.string().default('127.0.0.1').describe('Where the data plane listens.'),
  PORT: port.default(8081).describe('0 is any free port; the log says which.'),
  ...listenerSettings,
  REUSE_PORT: flag
    .prefault('false')
    .describe(
      'Lets several gateways on one machine share the port, each from when it is ready; the kernel spreads connections over them.',
    ),
  MAX_CONNECTIONS: wholeNumber(1, 1_000_000)
    .default(20_000)
    .describe('Of callers, over all; one more is closed at once.'),
  HEADERS_TIMEOUT: duration({ min: 1, max: 300 })
    .prefault('10s')
    .describe('Until the header section of a request is there.'),
  REQUEST_TIMEOUT: duration({ min: 1, max: 86_400 })
    .prefault('5m')
    .describe('Until the whole request is there, with its body.'),
  IDLE_TIMEOUT: duration({ min: 1, max: 3600 })
    .prefault('65s')
    .describe('Of a connection without a request; longer than any load balancer in front keeps its own.'),
  MANAGEMENT_HOST: z.string().default('127.0.0.1').describe('Where health is asked for, and the catalogue as it is.'),
  MANAGEMENT_PORT: port.default(9081).describe('0 is any free port; the log says which.'),
  STATE_FOLDER: z
    .string()
    .optional()
    .describe(
      'Where the issuer’s last answers are kept, so that a gateway may start while the issuer is away; nowhere by default.',
    ),
  FEED_INTERVAL: duration({ min: 1, max: 60 })
    .prefault('1s')
    .describe('How often the issuer is asked for revocations, limits and registered models.'),
  DEFAULT_LIMIT: limit
    .prefault('600/1m')
    .describe(
      'For tokens whose policy has no limit of its own; written as in a policy, so many requests in every such window.',
    ),
  REDIS_URL: redisUrl
    .optional()
    .describe('Redis or Valkey in which gateways count limits together; without it, each process counts for itself.'),
  TOKEN_CACHE_SIZE: wholeNumber(2, 10_000_000)
    .default(10_000)
    .describe('Tokens remembered as verified, about 1 KB each; the one not used for longest makes room.'),
  MAX_TOKEN_LIFETIME: duration({ min: 10, max: 86_400 })
    .prefault(formatDuration(maxTokenLifeSeconds))
    .describe('Of tokens that are accepted, and how long a stream may go on after its token has expired.'),
  CLOCK_SKEW: duration({ max: maxClockSkewSeconds })
    .prefault('30s')
    .describe('How far the issuer’s clock may be from this one.'),
  MAX_BODY_BYTES: wholeNumber(1, 2 ** 40)
    .default(64 * 1024 * 1024)
    .describe('Of one request.'),
  MAX_BUFFERED_BYTES: wholeNumber(1, 2 ** 40)
    .default(512 * 1024 * 1024)
    .describe(
      'Of all bodies together that have to be read whole, because the model is named in them; one subject has at most a quarter of it, or two bodies.',
    ),
  UPSTREAM_TIMEOUT: duration({ min: 1, max: 86_400 })
    .prefault('5m')
    .describe('Until the first byte of a model’s answer.'),
  UPSTREAM_IDLE_TIMEOUT: duration({ min: 1, max: 86_400 })
    .prefault('5m')
    .describe('Between two pieces of a model’s answer; streams may be as long as they are.'),
  STALLED_TIMEOUT: duration({ min: 1, max: 86_400 })
    .prefault('1m')
    .describe('Of an answer whose caller does not read it.'),
  UPSTREAM_CONNECTIONS: wholeNumber(1, 100_000)
    .default(128)
    .describe('To each origin of a model server; what comes beyond them waits.'),
  UPSTREAM_CA_FILE: z.string().optional().describe('Authorities of model servers over TLS; Node’s own by default.'),
  UPSTREAM_CERT_FILE: z
    .string()
    .optional()
    .describe('Certificate chain that the gateway shows to model servers, as PEM.'),
  UPSTREAM_KEY_FILE: z.string().optional().describe('Key of UPSTREAM_CERT_FILE, as PEM.'),
  MAX_CONCURRENT_PER_SUBJECT: wholeNumber(1, 1_000_000)
    .default(100)
    .describe('Requests of one subject at a time, over all models; each process counts its own.'),
  MAX_REVOCATION_AGE: duration({ min: 5, max: 86_400 })
    .optional()
    .describe(
      'How old the list of revocations may be before no token is accepted; without it, the last one known is believed.',
    ),
  DRAIN_DELAY: duration({ max: 300 })
    .prefault('0s')
    .describe(
      'How long a stopping gateway, which says that it is not ready, still takes requests from those who have not heard yet.',
    ),
  SHUTDOWN_GRACE: duration({ max: 3600 })
    .prefault('10s')
    .describe('How long a stopping gateway waits for answers that are on their way.'),
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
