import { parseModelRef } from '@modelgate/scope';
import { z } from 'zod';
import { isDnsName, parseHost } from './host.ts';

const dnsName = z.string().refine(isDnsName, 'must be a DNS name in lower case, such as models.example.com');
const origin = z
  .string()
  .refine(isOrigin, 'must be http:// or https:// with a host and at most a port, such as http://127.0.0.1:8080');
const model = z
  .string()
  .refine(isServiceName, 'must be namespace/name, both of lower-case letters, digits and hyphens');

/** One model of the catalogue file. */
export const catalogueModelSchema = z.strictObject({
  model,
  upstream: origin,
  protocols: z
    .array(z.enum(['v1', 'v2']))
    .min(1, 'must name at least one protocol')
    .refine((names) => new Set(names).size === names.length, 'must name each protocol once'),
  /** What the model server calls it; default: the name part of `model`. */
  modelName: z
    .string()
    .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/, 'must be of letters, digits, ".", "_" and "-"')
    .optional(),
  /** The `Host` the model server expects; default: the host of `upstream`. */
  upstreamHost: z
    .string()
    .refine((host) => parseHost(host) !== undefined, 'must be a host name with at most a port')
    .optional(),
});

/** The catalogue file, as YAML or JSON parsed it: which models there are and where they are served. */
export const catalogueSchema = z.strictObject({
  /** Models are served at `{name}.{namespace}.{domain}` and `{name}-{namespace}.{domain}`. */
  domain: dnsName,
  /** Further hosts of the gateway itself, at which models are reached by path only. */
  hosts: z.array(dnsName).default([]),
  models: z.array(catalogueModelSchema).min(1, 'must name at least one model'),
});

export type CatalogueFile = z.infer<typeof catalogueSchema>;
export type CatalogueModel = z.infer<typeof catalogueModelSchema>;

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && (text === url.origin || text === `${url.origin}/`);
}

function isServiceName(text: string): boolean {
  const ref = parseModelRef(text);
  return ref !== undefined && ref.alias === undefined;
}
