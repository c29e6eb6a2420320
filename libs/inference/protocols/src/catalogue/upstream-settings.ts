import type { CatalogueModel } from '@modelgate/catalogue';
import { parseDuration } from '@modelgate/core';

/** Timeouts in milliseconds. The gateway's own value applies to an absent one. */
export interface UpstreamTimeouts {
  /** From the last byte of the request to the first byte of the answer. */
  firstByteMs?: number;
  /** Between two pieces of the answer. */
  idleMs?: number;
}

/**
 * How the gateway and a model server authenticate each other over TLS. The gateway's own setting applies to an absent
 * member.
 */
export interface UpstreamTls {
  /** The certificate authorities that may have issued the server's certificate. */
  caFile?: string;
  certFile?: string;
  keyFile?: string;
  /** The name that the certificate must have, if it is not the host of the origin. */
  serverName?: string;
}

/** The credential sent to the model server: the caller's own, or the bearer token in a file. */
export type UpstreamCredential = 'forward' | { replaceFile: string };

/** How to talk to the server of one model, apart from its address. */
export interface UpstreamSettings {
  /** Maximum concurrent requests; unlimited if absent. */
  maxConcurrent?: number;
  /** Maximum bytes of a request body; the gateway's own limit applies as well. */
  maxBodyBytes?: number;
  timeouts?: UpstreamTimeouts;
  /** If absent, no credential is sent. */
  credential?: UpstreamCredential;
  tls?: UpstreamTls;
}

/** Converts the settings of the catalogue to the units and shapes used internally. */
export function upstreamSettings(model: CatalogueModel): UpstreamSettings {
  const { timeouts, maxBodyBytes, maxConcurrent, credential, upstreamTls } = model;
  return {
    ...(credential !== undefined && credential !== 'strip' && { credential: Object.freeze(credential) }),
    ...(maxConcurrent !== undefined && { maxConcurrent }),
    ...(maxBodyBytes !== undefined && { maxBodyBytes }),
    ...(timeouts && { timeouts: Object.freeze(inMilliseconds(timeouts)) }),
    ...(upstreamTls && { tls: Object.freeze(withoutAbsent(upstreamTls)) }),
  };
}

function inMilliseconds({ firstByte, idle }: { firstByte?: string | undefined; idle?: string | undefined }) {
  return {
    ...(firstByte !== undefined && { firstByteMs: parseDuration(firstByte) * 1000 }),
    ...(idle !== undefined && { idleMs: parseDuration(idle) * 1000 }),
  };
}

function withoutAbsent(tls: { [name in keyof UpstreamTls]: string | undefined }): UpstreamTls {
  return Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
}
