import type { Runtime } from '@modelgate/catalogue';
import type { ModelRef, Verb } from '@modelgate/scope';
import type { BodyEndpoint } from './body-endpoint.ts';
import type { Operation, Protocol } from '../operation.ts';
import type { InferenceProtocol } from '../inference-protocol.ts';
import type { Route, ServedModel } from './served-model.ts';

/** One row of a protocol's table: a path that names the model, or a path of the server as a whole. */
export interface PathRoute {
  method: 'GET' | 'POST';
  /** `{model}` is the server's name for the model, `{version}` any version or label of it. */
  path: string;
  verb: Verb;
  /** The answer lists models of the server, and is filtered to those that the token may call. */
  list?: true;
  /** The request body is not forwarded, because its contents could do more than the verb permits. */
  bodiless?: true;
  /** The servers that implement it; absent if the protocol itself defines it. */
  runtimes?: readonly Runtime[];
}

/** What a protocol has besides its table of paths. */
type Further = Pick<InferenceProtocol, 'filterList' | 'sharedEndpoints'>;

/** A protocol defined by its tables: paths that name the model, and paths whose body does. */
export class PathProtocol implements InferenceProtocol {
  readonly name: Protocol;
  /** Rows with a version in the path, which cannot be enumerated for a model. */
  readonly versioned: readonly PathRoute[];
  readonly sharedEndpoints: readonly BodyEndpoint[];
  readonly filterList: NonNullable<Further['filterList']>;
  readonly #fixed: readonly PathRoute[];
  readonly #forms: readonly { row: PathRoute; form: RegExp }[];

  constructor(name: Protocol, rows: readonly PathRoute[], further: Further = {}) {
    this.name = name;
    this.sharedEndpoints = further.sharedEndpoints ?? [];
    this.filterList = further.filterList ?? (() => undefined);
    this.#fixed = rows.filter(({ path }) => !path.includes(freePart));
    this.versioned = rows.filter(({ path }) => path.includes(freePart));
    this.#forms = this.versioned.map((row) => ({ row, form: formOf(row) }));
  }

  operations(served: ServedModel): Operation[] {
    const offered = this.#fixed.filter((row) => isOffered(row, served));
    return offered.flatMap((row) => {
      const named = row.path.includes('{model}') ? pathNames(served) : [served];
      return named.map(({ model, modelName }) =>
        this.#operation(row, served, { model, path: row.path.replace('{model}', modelName) }),
      );
    });
  }

  endpoints(): readonly BodyEndpoint[] {
    return this.sharedEndpoints;
  }

  dynamic(served: ServedModel, path: string): Route | undefined {
    const names = pathNames(served);
    let found: Route | undefined;
    for (const { row, form } of this.#forms) {
      if (!isOffered(row, served)) continue;
      const name = form.exec(path)?.[1];
      const model = names.find(({ modelName }) => modelName === name)?.model;
      if (model) (found ??= {})[row.method] = this.#operation(row, served, { model, path });
    }
    return found;
  }

  #operation(row: PathRoute, { upstream }: ServedModel, { model, path }: { model: ModelRef; path: string }): Operation {
    const { verb, method, list, bodiless } = row;
    const kind = list ? 'list' : 'model';
    return { protocol: this.name, kind, model, verb, upstream, method, path, ...(bodiless && { bodiless }) };
  }
}

export function isOffered({ runtimes }: PathRoute, { runtime }: { runtime?: Runtime }): boolean {
  return runtimes === undefined || runtimes.some((one) => one === runtime);
}

const freePart = '{version}';
const version = '[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?';

/** Neither names nor versions contain a slash or a colon, so a path can be read in only one way. */
function formOf({ path }: PathRoute): RegExp {
  return new RegExp(`^${path.replace('{model}', '([^/:]+)').replace(freePart, version)}$`);
}

/** Names that can appear in a path. Other served names can be used only in bodies and messages. */
const pathName = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;

function pathNames({ model, modelName, aliases }: ServedModel): { model: ModelRef; modelName: string }[] {
  const further = aliases.map(({ model: alias, servedName }) => ({ model: alias, modelName: servedName }));
  return [{ model, modelName }, ...further].filter((name) => pathName.test(name.modelName));
}
