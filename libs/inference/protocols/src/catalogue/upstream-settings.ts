import type { CatalogueModel } from '@modelgate/catalogue';
import { parseDuration } from '@modelgate/core';

/** What may take how long, in milliseconds; what is absent is the gateway's own. */
export interface UpstreamTimeouts {
  /** From the last piece of the request to the first byte of the answer. */
  firstByteMs?: number;
  /** Between two pieces of the answer. */
  idleMs?: number;
}

/** Whom a model server over TLS may be, and who the gateway is to it. What is absent is the gateway's own. */
export interface UpstreamTls {
  /** Authorities its certificate must come from. */
  caFile?: string;
  certFile?: string;
  keyFile?: string;
  /** The name its certificate must have, where that is not the host of its origin. */
  serverName?: string;
}

/** What the model server receives as a credential: the caller's own, or the bearer token that a file holds. */
export type UpstreamCredential = 'forward' | { replaceFile: string };

/** How the server of one model is spoken to, beyond where it is. */
export interface UpstreamSettings {
  /** Requests at a time; without it, as many as come. */
  maxConcurrent?: number;
  /** Bytes of a request body; never more than the gateway takes of anybody. */
  maxBodyBytes?: number;
  timeouts?: UpstreamTimeouts;
  /** Without it, none. */
  credential?: UpstreamCredential;
  tls?: UpstreamTls;
}

/** The settings as the catalogue has them, in the units and shapes they are used in. */
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
