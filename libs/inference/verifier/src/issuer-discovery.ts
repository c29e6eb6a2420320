import { isProtectedUrl, parseStrictJson } from '@modelgate/core';
import type { HttpGet } from '@modelgate/jwt';
import { z } from 'zod';

/** The issuer's metadata cannot be used. The message says why. */
export class DiscoveryError extends Error {
  override readonly name = 'DiscoveryError';
}

/** The URLs of an issuer's keys and feeds. */
export interface IssuerEndpoints {
  issuer: string;
  jwksUri: string;
  revocations?: string;
  limits?: string;
  /** The issuer's registered models, for gateways that it knows. */
  catalogue?: string;
}

const metadataSchema = z.object({
  issuer: z.string(),
  jwks_uri: z.string(),
  modelgate_revocations_endpoint: z.string().optional(),
  modelgate_limits_endpoint: z.string().optional(),
  modelgate_catalogue_endpoint: z.string().optional(),
});

const maxBytes = 64 * 1024;
const timeoutMs = 3_000;

/**
 * Reads an issuer's metadata (RFC 8414 §3). It tries the well-known path inserted before the issuer's path first, then
 * the OIDC path appended to it. The metadata must name exactly this issuer (§3.3), and its endpoints must be as well
 * protected as the issuer's own URL.
 *
 * @throws DiscoveryError
 */
export async function discoverIssuer(issuer: string, get: HttpGet): Promise<IssuerEndpoints> {
  refuseUnprotected('the issuer', issuer);
  const { origin, pathname, search, hash } = new URL(issuer);
  if (search !== '' || hash !== '') throw new DiscoveryError('the issuer has a query or a fragment (RFC 8414 §2)');
  const path = pathname.replace(/\/$/, '');
  const urls = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
  let failure: unknown;
  for (const url of urls) {
    try {
      const { status, body } = await get(url, { maxBytes, timeoutMs });
      if (status === 200) return read(issuer, body);
      failure ??= new DiscoveryError(`${url} answered ${status}`);
    } catch (error) {
      if (error instanceof DiscoveryError) throw error;
      failure ??= error;
    }
  }
  throw new DiscoveryError(`the metadata of ${issuer} cannot be fetched`, { cause: failure });
}

function read(issuer: string, body: Uint8Array): IssuerEndpoints {
  const metadata = metadataSchema.safeParse(jsonOf(body));
  if (!metadata.success) throw new DiscoveryError(`the metadata of ${issuer} lacks a required member`);
  const {
    jwks_uri: jwksUri,
    modelgate_revocations_endpoint: revocations,
    modelgate_limits_endpoint: limits,
    modelgate_catalogue_endpoint: catalogue,
  } = metadata.data;
  if (metadata.data.issuer !== issuer) throw new DiscoveryError(`the metadata names an issuer other than ${issuer}`);
  for (const url of [jwksUri, revocations, limits, catalogue])
    if (url !== undefined) refuseUnprotected('an endpoint', url);
  return {
    issuer,
    jwksUri,
    ...(revocations !== undefined && { revocations }),
    ...(limits !== undefined && { limits }),
    ...(catalogue !== undefined && { catalogue }),
  };
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return parseStrictJson(body);
  } catch (cause) {
    throw new DiscoveryError('the metadata is not JSON', { cause });
  }
}

function refuseUnprotected(what: string, url: string): void {
  if (!URL.canParse(url)) throw new DiscoveryError(`${what} is not a URL`);
  const parsed = new URL(url);
  const { username, password } = parsed;
  if (username !== '' || password !== '') throw new DiscoveryError(`${what} contains a credential`);
  if (isProtectedUrl(parsed)) return;
  throw new DiscoveryError(`${what} is not https: an attacker on the network could replace its keys`);
}
