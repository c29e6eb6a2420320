import { isOnOpenaiSurface, type Protocol } from '@modelgate/catalogue';
import { covers, formatModelRef, type ModelGrant, type ModelRef } from '@modelgate/scope';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Denial } from '../denial/denial.ts';
import type { CatalogueQuestion } from '../operation.ts';
import { unknownModel } from '../denial/unknown-model.ts';

/**
 * The answer to `GET …/v1/models` at the gateway's own host, and to `GET …/v1/models/{model}` at every host: the models
 * that the token may call, under the names that a request body may use there.
 *
 * @returns the JSON of OpenAI's `list` or `model` object
 */
export function listModels(
  { item }: CatalogueQuestion,
  catalogue: Catalogue,
  token: { grants: readonly ModelGrant[] },
): string | Denial {
  if (item === undefined) {
    const models = callable(catalogue, token.grants);
    return JSON.stringify({ object: 'list', data: models.map((model) => modelObject(model, formatModelRef(model))) });
  }
  const { id, model } = item;
  const known = model && catalogue.resolve(formatModelRef(model));
  const found = known && isCallable(known.model, token.grants) && speaksOpenai(known.served.protocols);
  return found ? JSON.stringify(modelObject(known.model, id)) : unknownModel(id);
}

/**
 * Filters a server's `list` object to the models in `allowed`. Only the members that a client needs are kept, because
 * some servers disclose where the weights are stored and which model an adapter is based on.
 *
 * @returns undefined if the document is not such a list
 */
export function filterOpenaiList(document: unknown, allowed: ReadonlySet<string>): string | undefined {
  if (!isRecord(document) || !Array.isArray(document['data'])) return undefined;
  const data = document['data'].flatMap((entry: unknown) => {
    if (!isRecord(entry)) return [];
    const { id, created, owned_by: owner, max_model_len: longest } = entry;
    if (typeof id !== 'string' || !allowed.has(id)) return [];
    return [
      {
        id,
        object: 'model',
        created: typeof created === 'number' ? created : 0,
        owned_by: typeof owner === 'string' ? owner : '',
        ...(typeof longest === 'number' && { max_model_len: longest }),
      },
    ];
  });
  return JSON.stringify({ object: 'list', data });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function callable(catalogue: Catalogue, grants: readonly ModelGrant[]): ModelRef[] {
  return catalogue
    .entries()
    .filter(({ served }) => speaksOpenai(served.protocols))
    .flatMap((entry) => entry.names().map(({ model }) => model))
    .filter((model) => isCallable(model, grants));
}

function speaksOpenai(protocols: readonly Protocol[]): boolean {
  return protocols.some(isOnOpenaiSurface);
}

function isCallable(model: ModelRef, grants: readonly ModelGrant[]): boolean {
  return grants.some((grant) => grant.verbs.length > 0 && covers(grant.model, model));
}

function modelObject({ namespace }: ModelRef, id: string): object {
  return { id, object: 'model', created: 0, owned_by: namespace };
}
