import { runtimes, type Runtime } from '@modelgate/catalogue';
import type { Verb } from '@modelgate/scope';
import { pathAt, type BodyEndpoint } from './body-endpoint.ts';
import { isOffered, type PathRoute } from './path-route.ts';
import type { Operation, Protocol } from '../operation.ts';
import { everyProtocol } from '../registry.ts';
import type { ServedModel } from './served-model.ts';

/** One endpoint of a model, as in the route tables. */
export interface SurfaceRow {
  protocol: Protocol;
  method: 'GET' | 'POST';
  /**
   * `{model}` is the server's name for it, `{version}` a version of it, `{prefix}` the path of the server's OpenAI
   * surface.
   */
  path: string;
  verb: Verb;
  /** What names the model: the path, the body (JSON or a form), or only the host or prefix of the model. */
  modelIn: 'path' | 'json' | 'multipart' | 'host';
  /** The answer lists models of the server; the caller sees only those that its token may call. */
  list: boolean;
  /** Whether the gateway drops the request body. */
  bodiless: boolean;
  /** The servers for which it is offered; absent if all servers of the protocol have it. */
  runtimes?: readonly Runtime[];
}

type Row = Omit<SurfaceRow, 'runtimes'>;

/** Every HTTP endpoint, in the order of the tables. */
export function surfaceRows(): SurfaceRow[] {
  const offered = new Map<string, { row: Row; by: (Runtime | undefined)[] }>();
  for (const runtime of [undefined, ...runtimes]) {
    for (const row of rowsOf(runtime)) {
      const key = `${row.protocol} ${row.method} ${row.path}`;
      const known = offered.get(key) ?? { row, by: [] };
      known.by.push(runtime);
      offered.set(key, known);
    }
  }
  const rows = [...offered.values()].map(({ row, by }) =>
    by.includes(undefined) ? row : { ...row, runtimes: by.filter((runtime) => runtime !== undefined) },
  );
  const order = everyProtocol.map(({ name }) => name);
  return rows.sort((one, other) => order.indexOf(one.protocol) - order.indexOf(other.protocol));
}

/** A model whose name can be recognised in the paths of its routes. */
const example: Omit<ServedModel, 'protocols'> = {
  model: { namespace: 'namespace', name: 'name' },
  upstream: { origins: ['http://model'], host: 'model' },
  grpcUpstream: { origins: ['http://model'], host: 'model' },
  modelName: 'MODEL',
  aliases: [],
  openaiPrefix: '/PREFIX',
};

function rowsOf(runtime: Runtime | undefined): Row[] {
  return everyProtocol.flatMap((routes) => {
    const { name: protocol } = routes;
    const served: ServedModel = { ...example, protocols: [protocol], ...(runtime && { runtime }) };
    return [
      ...routes.operations(served).map(ofOperation),
      ...(routes.endpoints?.(served) ?? []).map((endpoint) => ofEndpoint(endpoint, served)),
      ...(routes.versioned ?? []).filter((row) => isOffered(row, served)).map((row) => ofVersioned(row, protocol)),
    ];
  });
}

function ofOperation({ protocol, method, path, verb, kind, bodiless }: Operation): Row {
  const spelt = path.replace('MODEL', '{model}').replace('/PREFIX', '{prefix}');
  const modelIn = spelt.includes('{model}') ? 'path' : 'host';
  return { protocol, method, path: spelt, verb, modelIn, list: kind === 'list', bodiless: bodiless ?? false };
}

function ofEndpoint(endpoint: BodyEndpoint, served: ServedModel): Row {
  const { protocol, verb, body } = endpoint;
  const path = pathAt(endpoint, served).replace('/PREFIX', '{prefix}');
  return { protocol, method: 'POST', path, verb, modelIn: body, list: false, bodiless: false };
}

function ofVersioned({ method, path, verb }: PathRoute, protocol: Protocol): Row {
  return { protocol, method, path, verb, modelIn: 'path', list: false, bodiless: false };
}
