import { envoy } from '@modelgate/real-parts';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOn } from './child.ts';
import { freePort, untilListening, type Proxy, type Setting } from './proxy.ts';

/**
 * Envoy with one worker that does the same: jwt_authn, a local rate limit per client, RBAC on a claim; with its cache of
 * verified tokens, or without.
 */
export async function startEnvoy(setting: Setting, { cache }: { cache: boolean }): Promise<Proxy> {
  const binary = await envoy.install();
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-envoy-'));
  const port = await freePort();
  const file = join(folder, 'envoy.json');
  writeFileSync(file, JSON.stringify(configuration(port, cache, setting)));
  const options = ['--concurrency', '1', '-l', 'error', '--disable-hot-restart'];
  const process = startOn('measured', [binary, ...options, '-c', file]);
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

const http = 'type.googleapis.com/envoy.extensions.filters.http';
const metadataKey = 'envoy.filters.http.jwt_authn';
const unlimited = { max_tokens: 1_000_000_000, tokens_per_fill: 1_000_000_000, fill_interval: '1s' };
const always = { default_value: { numerator: 100 } };

function address(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

function configuration(port: number, cache: boolean, setting: Setting): object {
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'h',
    codec_type: 'AUTO',
    route_config: {
      virtual_hosts: [
        {
          name: 'v',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'model', timeout: '60s' } }],
        },
      ],
    },
    http_filters: [authentication(cache, setting), rateLimit(), rbac(setting), router()],
  };
  const filters = [{ name: 'hcm', typed_config: manager }];
  return {
    static_resources: {
      listeners: [{ name: 'l', address: address(port), filter_chains: [{ filters, ...transport(setting) }] }],
      clusters: [
        {
          name: 'model',
          type: 'STATIC',
          connect_timeout: '5s',
          load_assignment: {
            cluster_name: 'model',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(setting.upstreamPort) } }] }],
          },
          circuit_breakers: {
            thresholds: [{ max_connections: 4096, max_pending_requests: 4096, max_requests: 8192 }],
          },
          ...(setting.grpc && http2Upstream()),
        },
      ],
    },
  };
}

function transport({ tls }: Setting): object {
  if (!tls) return {};
  const certificate = { certificate_chain: { filename: tls.certFile }, private_key: { filename: tls.keyFile } };
  const context = {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    common_tls_context: { tls_certificates: [certificate] },
  };
  return { transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: context } };
}

function authentication(cache: boolean, { issuer, audience, jwk }: Setting): object {
  const provider = {
    issuer,
    audiences: [audience],
    local_jwks: { inline_string: JSON.stringify({ keys: [jwk] }) },
    payload_in_metadata: 'jwt_payload',
    forward: false,
    ...(cache && { jwt_cache_config: { jwt_cache_size: 1000 } }),
  };
  const rules = [{ match: { prefix: '/' }, requires: { provider_name: 'p' } }];
  const config = { '@type': `${http}.jwt_authn.v3.JwtAuthentication`, providers: { p: provider }, rules };
  return { name: metadataKey, typed_config: config };
}

function rateLimit(): object {
  const client = { key: metadataKey, path: [{ key: 'jwt_payload' }, { key: 'client_id' }] };
  const action = { metadata: { descriptor_key: 'client', source: 'DYNAMIC', metadata_key: client } };
  const config = {
    '@type': `${http}.local_ratelimit.v3.LocalRateLimit`,
    stat_prefix: 'rl',
    token_bucket: unlimited,
    filter_enabled: always,
    filter_enforced: always,
    descriptors: [{ entries: [{ key: 'client', value: 'batch-scorer' }], token_bucket: unlimited }],
    rate_limits: [{ actions: [action] }],
  };
  return { name: 'envoy.filters.http.local_ratelimit', typed_config: config };
}

function rbac({ scope, grpc }: Setting): object {
  const claim = {
    filter: metadataKey,
    path: [{ key: 'jwt_payload' }, { key: 'scope' }],
    value: { string_match: { exact: scope } },
  };
  const prefixes = grpc ? ['/inference.GRPCInferenceService/'] : ['/v1/models/iris:', '/v2/models/iris/'];
  const permissions = prefixes.map((prefix) => ({
    header: { name: ':path', string_match: { prefix } },
  }));
  const rules = { action: 'ALLOW', policies: { iris: { permissions, principals: [{ metadata: claim }] } } };
  return { name: 'envoy.filters.http.rbac', typed_config: { '@type': `${http}.rbac.v3.RBAC`, rules } };
}

function http2Upstream(): object {
  const name = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  const options = { '@type': `type.googleapis.com/${name}`, explicit_http_config: { http2_protocol_options: {} } };
  return { typed_extension_protocol_options: { [name]: options } };
}

function router(): object {
  return { name: 'envoy.filters.http.router', typed_config: { '@type': `${http}.router.v3.Router` } };
}
