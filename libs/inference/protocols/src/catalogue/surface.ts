import { runtimes, type Runtime } from '@modelgate/catalogue';
import type { Verb } from '@modelgate/scope';
import { pathAt, type BodyEndpoint } from './body-endpoint.ts';
import { isOffered, type PathRoute } from './path-route.ts';
import type { Operation, Protocol } from '../operation.ts';
import { everyProtocol } from '../registry.ts';
import type { ServedModel } from './served-model.ts';

/** One thing that can be asked of a model, as the route tables have it. */
export interface SurfaceRow {
  protocol: Protocol;
  method: 'GET' | 'POST';
  /** `{model}` is what the server calls it, `{version}` a version of it, `{prefix}` where the server has the OpenAI surface. */
  path: string;
  verb: Verb;
  /** What says which model it is: the path, the body (JSON or a form), or only the host or prefix of the model. */
  modelIn: 'path' | 'json' | 'multipart' | 'host';
  /** Answers with models of the server, of which the caller sees those that its token may call. */
  list: boolean;
  /** Whether the body stays behind at the gateway. */
  bodiless: boolean;
  /** The servers it is offered of, where it is not of every one that speaks the protocol. */
  runtimes?: readonly Runtime[];
}

type Row = Omit<SurfaceRow, 'runtimes'>;

/** Everything that can be asked over HTTP, in the order of the tables. */
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

/** A model with a name that can be found again in the paths of its routes. */
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
