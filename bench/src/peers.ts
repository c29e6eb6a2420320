import { envoy } from '@modelgate/real-parts';
import { startEnvoy } from './envoy.ts';
import { haproxyVersion, startHaproxy } from './haproxy.ts';
import { nginxVersion, startNginx } from './nginx.ts';
import { hasOauth2Proxy, startOauth2Proxy } from './oauth2-proxy.ts';
import type { Proxy, Setting } from './proxy.ts';

/** Somebody the gateway is measured beside. */
export interface Peer {
  name: string;
  start(setting: Setting): Promise<Proxy>;
  /** Share of the requests, for those that take several times as long; default 1. */
  share?: number;
}

/** Each of them once or, where it cannot be had here, not at all. */
export interface Peers {
  nginx: Peer[];
  haproxy: Peer[];
  envoyCached: Peer[];
  envoyCold: Peer[];
  oauth2Proxy: Peer[];
  /** Sentences: who cannot be had, and why. */
  missing: string[];
}

export async function peersHere(): Promise<Peers> {
  const [nginx, haproxy, available] = [nginxVersion(), haproxyVersion(), await envoy.available()];
  const missing = [
    nginx === undefined && 'nginx is not on the PATH',
    haproxy === undefined && 'HAProxy is not on the PATH',
    !available.ok && `Envoy cannot be had: ${available.reason}`,
    !hasOauth2Proxy() && 'oauth2-proxy is not on the PATH',
  ];
  const envoyPeer = (name: string, cache: boolean): Peer[] =>
    available.ok ? [{ name: `${envoy.name}, ${name}`, start: (setting) => startEnvoy(setting, { cache }) }] : [];
  return {
    nginx: nginx === undefined ? [] : [{ name: nginx, start: startNginx }],
    haproxy: haproxy === undefined ? [] : [{ name: `${haproxy}, jwt_verify`, start: startHaproxy }],
    envoyCached: envoyPeer('cache', true),
    envoyCold: envoyPeer('no cache', false).map((peer) => ({ ...peer, share: 0.5 })),
    oauth2Proxy: hasOauth2Proxy() ? [{ name: 'oauth2-proxy', start: startOauth2Proxy, share: 0.2 }] : [],
    missing: missing.filter((reason) => reason !== false),
  };
}
