import type { Runtime } from '@modelgate/catalogue';
import type { ModelRef, Verb } from '@modelgate/scope';
import type { BodyEndpoint } from './body-endpoint.ts';
import type { Operation, Protocol } from '../operation.ts';
import type { InferenceProtocol } from '../inference-protocol.ts';
import type { Route, ServedModel } from './served-model.ts';

/** One row of a protocol's table: a path that says which model it is for, or that is of the server as a whole. */
export interface PathRoute {
  method: 'GET' | 'POST';
  /** `{model}` is what the server calls the model, `{version}` any version or label of it. */
  path: string;
  verb: Verb;
  /** Answers with models of the server; the answer is filtered to what the token may call. */
  list?: true;
  /** Nothing but the path is forwarded: what the body may say would reach further than the verb. */
  bodiless?: true;
  /** The servers that have it; without them the protocol itself defines it. */
  runtimes?: readonly Runtime[];
}

/** What a protocol has beside its table of paths. */
type Further = Pick<InferenceProtocol, 'filterList' | 'sharedEndpoints'>;

/** A protocol as its tables have it: paths that name the model, and those at which the body does. */
export class PathProtocol implements InferenceProtocol {
  readonly name: Protocol;
  /** Rows with a version in them, which cannot be listed for a model. */
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

/** Neither a name nor a version has a slash or a colon, so that there is one way to read a path. */
function formOf({ path }: PathRoute): RegExp {
  return new RegExp(`^${path.replace('{model}', '([^/:]+)').replace(freePart, version)}$`);
}

/** What a path can name; other served names are for bodies and messages alone. */
const pathName = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;

function pathNames({ model, modelName, aliases }: ServedModel): { model: ModelRef; modelName: string }[] {
  const further = aliases.map(({ model: alias, servedName }) => ({ model: alias, modelName: servedName }));
  return [{ model, modelName }, ...further].filter((name) => pathName.test(name.modelName));
}
