import { z } from 'zod';
import { isDnsName, parseHost } from './host.ts';
import { isOnOpenaiSurface, protocols } from './protocol.ts';
import { runtimes } from './runtime.ts';
import { parseServiceName } from './service-name.ts';
import { upstreamSettingsShape } from './upstream-settings.ts';

const dnsName = z.string().refine(isDnsName, 'must be a DNS name in lower case, such as models.example.com');
const origin = z
  .string()
  .refine(isOrigin, 'must be http:// or https:// with a host and at most a port, such as http://127.0.0.1:8080');
const model = z
  .string()
  .refine(
    (text) => parseServiceName(text) !== undefined,
    'must be namespace/name, both of lower-case letters, digits and hyphens',
  );

const oneOrMore = z.union([origin, z.array(origin).min(1, 'must name at least one origin').max(64)], {
  error: 'must be an origin such as http://127.0.0.1:8080, or a list of them',
});
/** What a model server may call a model: what a URL's path and a JSON string carry without any escape. */
const pathName = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/, 'must be of letters, digits, ".", "_" and "-"');
const servedName = z
  .string()
  .regex(/^[!#-[\]-~]{1,256}$/, 'must be of visible ASCII characters without quotes and backslashes');
/** A path that has one spelling alone: the gateway refuses requests at any other. */
const prefix = z
  .string()
  .regex(
    /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)*$/,
    'must be empty or a path such as /openai, without a slash at its end',
  );

/** A further name of a model's server that is a model of its own to callers, authorised as `namespace/name#alias`. */
const aliasSchema = z.strictObject({
  alias: pathName,
  /** What the server calls it; default: the alias. */
  servedName: servedName.optional(),
});

const modelSchema = z.strictObject({
  model,
  /** Where it is served; several origins serve the same, and share its requests. */
  upstream: oneOrMore,
  /** Where it is served over gRPC; `http://` is HTTP/2 with prior knowledge. Default: `upstream`. */
  grpcUpstream: oneOrMore.optional(),
  protocols: z
    .array(z.enum(protocols))
    .min(1, 'must name at least one protocol')
    .refine((names) => new Set(names).size === names.length, 'must name each protocol once'),
  /** What its server is; without it only what the protocols themselves define is offered. */
  runtime: z.enum(runtimes).optional(),
  /** What the model server calls it; default: the name part of `model`. */
  modelName: servedName.optional(),
  /** Served names and LoRA adapters that are authorised on their own. */
  aliases: z.array(aliasSchema).max(1_000).default([]),
  /** Where its server has the OpenAI surface; default: `/openai`, and nothing for an LLMInferenceService. */
  openaiPrefix: prefix.optional(),
  /**
   * It is an LLMInferenceService: the gateway's own host has it at `/{namespace}/{name}/…`, at
   * `/publishers/{namespace}/models/{modelName}/…` and at `/v1/…` with the model header.
   */
  llm: z.boolean().default(false),
  /** The `Host` the model server expects; default: the host of the first origin. */
  upstreamHost: z
    .string()
    .refine((host) => parseHost(host) !== undefined, 'must be a host name with at most a port')
    .optional(),
  ...upstreamSettingsShape,
});

/** One model of the catalogue. */
export const catalogueModelSchema = modelSchema
  .refine(usesItsTls, { path: ['upstreamTls'], message: 'is of no use without an origin of https://' })
  .refine(fitsItsPaths, {
    path: ['modelName'],
    message: 'must be of letters, digits, ".", "_" and "-", since V1 and V2 have it in their paths',
  })
  .refine(speaksAsLlm, { path: ['llm'], message: 'is of no use without the protocol openai or anthropic' })
  .superRefine((entry, context) => {
    for (const message of namedTwice(entry)) context.addIssue({ code: 'custom', path: ['aliases'], message });
  });

/** The catalogue document, as YAML or JSON parsed it: which models there are and where they are served. */
export const catalogueSchema = z.strictObject({
  /** Models are served at `{name}.{namespace}.{domain}` and `{name}-{namespace}.{domain}`. */
  domain: dnsName,
  /** Further hosts of the gateway itself, at which models are reached by path only. */
  hosts: z.array(dnsName).default([]),
  /** Where the gateway itself has the OpenAI surface, for models named `namespace/name` in the body. */
  openaiPrefix: prefix.default('/openai'),
  /** In which a request at the gateway's own host may name an LLMInferenceService, as `publishers/{namespace}/models/{modelName}`. */
  modelHeader: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'must be the name of a header, of letters, digits and hyphens')
    .default('X-Gateway-Model-Name'),
  models: z.array(catalogueModelSchema).min(1, 'must name at least one model'),
});

export type CatalogueDocument = z.infer<typeof catalogueSchema>;
export type CatalogueModel = z.infer<typeof catalogueModelSchema>;

/** Settings of TLS beside origins in the clear are a mistake that nobody would notice. */
function usesItsTls({ upstream, grpcUpstream, upstreamTls }: z.infer<typeof modelSchema>): boolean {
  return upstreamTls === undefined || [upstream, grpcUpstream ?? []].flat(2).some((text) => text.startsWith('https:'));
}

/** Two models that one server knows by the same name could not be told apart. */
function namedTwice({ model, modelName, aliases }: z.infer<typeof modelSchema>): string[] {
  const ownName = modelName ?? parseServiceName(model)?.name;
  const served = [ownName, ...aliases.map(({ alias, servedName }) => servedName ?? alias)];
  const spelt = aliases.map(({ alias }) => alias);
  return [
    ...repeated(served).map((name) => `gives two models the name ${name} at their server; keep one of them`),
    ...repeated(spelt).map((alias) => `has the alias ${alias} twice; keep one of them`),
  ];
}

function repeated<T>(values: readonly T[]): T[] {
  return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}

function fitsItsPaths({ modelName, protocols }: z.infer<typeof modelSchema>): boolean {
  const inPaths = protocols.includes('v1') || protocols.includes('v2');
  return modelName === undefined || !inPaths || pathName.safeParse(modelName).success;
}

function speaksAsLlm({ llm, protocols }: z.infer<typeof modelSchema>): boolean {
  return !llm || protocols.some(isOnOpenaiSurface);
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && (text === url.origin || text === `${url.origin}/`);
}
