import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

/** One request and its answer, as they went over the wire. */
export interface Exchanged {
  method: string;
  /** With its query, where it has one. */
  path: string;
  status: number;
  contentType: string | null;
  body: unknown;
}

interface Operation {
  operationId: string;
  responses: Record<string, { content?: Record<string, object> }>;
}

interface OpenApiDocument {
  paths: Record<string, Record<string, Operation>>;
}

/** An API's description in OpenAPI 3.1, held against what it answers. */
export class OpenApiContract {
  readonly #paths: OpenApiDocument['paths'];
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });

  /** @throws where a schema in it is none, or refers to what is not there */
  constructor(document: object) {
    this.#paths = (document as OpenApiDocument).paths;
    this.#ajv.addSchema({ ...document, $id: 'openapi' }, undefined, undefined, false);
    for (const pointer of schemaPointers(document)) this.#schemaAt(pointer);
  }

  /** What in the answer is not as it is described; undefined where all is, and where the path is none of the API's. */
  deviation({ method, path, status, contentType, body }: Exchanged): string | undefined {
    const found = this.#operationOf(method, path);
    if (!found) return undefined;
    const { operation, pointer } = found;
    const named = `${operation.operationId} answers ${status}`;
    const described = operation.responses[String(status)];
    if (!described) return `${named}, which is not described`;
    const type = contentType?.split(';', 1)[0] ?? '';
    if (!described.content?.[type]) return `${named} as ${type}, which is not described`;
    const valid = this.#schemaAt([...pointer, 'responses', String(status), 'content', type, 'schema']);
    return valid(body) ? undefined : `${named}: ${this.#ajv.errorsText(valid.errors)} in ${JSON.stringify(body)}`;
  }

  #operationOf(method: string, target: string): { operation: Operation; pointer: string[] } | undefined {
    const path = target.split('?', 1)[0] ?? '';
    const template = Object.keys(this.#paths)
      .filter((candidate) => new RegExp(`^${candidate.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path))
      // A path that is written out goes before one with parameters.
      .toSorted((one, other) => one.split('{').length - other.split('{').length)[0];
    const operation = template === undefined ? undefined : this.#paths[template]?.[method.toLowerCase()];
    if (template === undefined || !operation) return undefined;
    return { operation, pointer: ['paths', template, method.toLowerCase()] };
  }

  #schemaAt(pointer: readonly string[]): ValidateFunction {
    const escaped = pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')));
    const reference = `openapi#/${escaped.join('/')}`;
    return this.#ajv.getSchema(reference) ?? this.#ajv.compile({ $ref: reference });
  }
}

/** Where a schema stands in the document: under `schema`, and under `components.schemas`. */
function* schemaPointers(value: unknown, at: readonly string[] = []): Generator<readonly string[]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    const pointer = [...at, name];
    if (name === 'schema' || at.join('/') === 'components/schemas') yield pointer;
    else yield* schemaPointers(member, pointer);
  }
}
