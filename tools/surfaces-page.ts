/**
 * The page `docs/reference/surfaces.md`: what can be asked of a model and what each needs, from the route tables that the
 * gateway itself goes by, so that the page cannot say anything else.
 */
import { testedAgainst } from '../apps/gateway/src/tested-against.fixture.ts';
import { grpcMethods, type GrpcMethod } from '../libs/inference/protocols/src/grpc/grpc-methods.ts';
import { surfaceRows, type SurfaceRow } from '../libs/inference/protocols/src/catalogue/surface.ts';
import { methodRows } from './grpc-guide.ts';

const titles: Readonly<Record<SurfaceRow['protocol'], string>> = {
  v1: 'V1 (`v1`)',
  v2: 'V2, the Open Inference Protocol over REST (`v2`)',
  grpc: 'The Open Inference Protocol over gRPC (`grpc`)',
  openai: 'OpenAI-compatible (`openai`)',
  anthropic: 'Anthropic’s Messages (`anthropic`)',
  timeseries: 'Forecasts (`timeseries`)',
  graph: 'InferenceGraph (`graph`)',
};

const named: Readonly<Record<SurfaceRow['modelIn'], string>> = {
  path: 'path',
  json: '`model` in the JSON body',
  multipart: '`model` in the form',
  host: 'host or prefix alone',
};

const notes: Partial<Record<SurfaceRow['protocol'], string>> = {
  v1: '`{version}` is a version or a label. Bodies pass as they are, CloudEvents (structured and binary) among them.',
  v2: 'Bodies pass as they are, binary tensors among them.',
  openai:
    '`{prefix}` is the model’s `openaiPrefix`. `GET {prefix}/v1/models/{model}` is answered by the gateway itself, from the catalogue. ' +
    'The body passes as it came, but for the bytes of the name where the server knows the model by another one.',
  graph:
    'The steps of a graph call their models directly, behind the gateway: a token for a graph reaches every model in it, and ' +
    'none of those calls is judged or counted here.',
};

const intro = `# Surfaces

What can be asked of a model, and the verb a token needs for it. Whatever is not in these tables is refused. This page is written
by \`npm run generate\` from the route tables; \`npm run check\` fails where the two differ, and a test walks every row through a
running gateway, once with a token for exactly that and once with one for everything else: before a server that writes down what
reaches it, and before the real servers of the column *tested against*, whose own answer has to come back for the one token and who
must not be reached with the other. *Recorded* are rows of servers that the suites do not run.

A model is reached in these ways, and a request that names it in more than one is refused unless all of them mean the same:

| where | paths |
| --- | --- |
| its own host, \`{name}.{namespace}.{domain}\` or \`{name}-{namespace}.{domain}\` | as in the tables |
| a host of the gateway itself | \`/serving/{namespace}/{name}\` and then as in the tables |
| a host of the gateway itself, where the body names the model | the gateway’s \`openaiPrefix\` and \`/v1/timeseries/forecast\`; the model is \`namespace/name\` or \`namespace/name#alias\` |
| a host of the gateway itself, for an LLMInferenceService (\`llm: true\`) | \`/{namespace}/{name}/…\`, \`/publishers/{namespace}/models/{model}/…\`, and \`/v1/…\` with the model header (\`X-Gateway-Model-Name\` unless the catalogue says otherwise) |

Where the column *servers* names some, the model’s \`runtime\` must be one of them. A *list* is answered with the models that the token
may call, whatever else the server has. The body of a request marked *no body* stays behind: it could reach further than the verb.
`;

const refused = `## What is refused

| request | answer |
| --- | --- |
| no token, or one that is not accepted | 401, before anything is said about what is served here |
| a path in no table, or of another server than the model’s | 404 \`unknown_route\` |
| another method | 405 \`method_not_allowed\`, with \`Allow\` |
| a name that no model has there | 404 \`unknown_model\` |
| host, path, header and body that do not mean the same model; the model header twice | 400 \`model_ambiguous\` |
| anything at the place of a service of which the token reaches nothing | 403 \`insufficient_scope\`, whatever the service is and has; that it is there can be told from 404 |
| a verb that the token does not have for this model | 403 \`insufficient_scope\`, with the scope that is missing |
| a query string, percent-encoding, an empty or dot segment, a trailing slash, \`;\`, \`\\\`, a fragment, an absolute target | 400, each with a reason of its own |
| a body that has to be read and is compressed, or of another media type | 415 \`content_encoding\`, \`content_type\` |
| a body that has to be read and is not strict UTF-8 JSON, or not a form | 400 \`body_malformed\` |
| a body that names no model | 400 \`model_missing\` |
| a list that the server does not have, that it does not have yet, that it wants to be asked for in another way | 404 \`unknown_route\`, 503 \`upstream_busy\`, 400 \`upstream_refused\`, none of them in the server’s words |
| a body that is too large for the gateway or for the model | 413 \`body_too_large\` |

The administration of a server has no verb and is in no table: metrics, API documents, Triton’s shared memory, traces and logs,
vLLM’s \`/pause\`, \`/update_weights\`, \`/load_lora_adapter\` and the like. So is what runs inference without saying of which model, such as
\`/invocations\`.
`;

/** The page as Markdown, not yet formatted. */
export function surfacesPage(): string {
  const byProtocol = Map.groupBy(surfaceRows(), ({ protocol }) => protocol);
  const sections = [...byProtocol].map(([protocol, rows]) => section(protocol, rows));
  return [intro, ...sections, grpcSection(), refused].join('\n');
}

const rule = '| --- | --- | --- | --- | --- |';

/** Its methods are in a table of their own, since they have no paths that name a model. */
function grpcSection(): string {
  const [head = '', ...rows] = methodRows();
  const lines = rows.map((row, index) => `${row} ${against(grpcMethods[index])} |`);
  const note =
    'Methods of `inference.GRPCInferenceService`. Every message is judged by the model it names; the [guide](../guides/grpc.md) says how.';
  return [`## ${titles.grpc}\n`, `${note}\n`, `${head} tested against |`, `${rule} --- |`, ...lines, ''].join('\n');
}

function section(protocol: SurfaceRow['protocol'], rows: readonly SurfaceRow[]): string {
  const head = `| method | path | verb | the model is named by | servers | | tested against |\n${rule} --- | --- |`;
  const note = notes[protocol];
  return [`## ${titles[protocol]}\n`, ...(note === undefined ? [] : [`${note}\n`]), head, ...rows.map(line), ''].join(
    '\n',
  );
}

function line(row: SurfaceRow): string {
  const marks = [row.list && 'list', row.bodiless && 'no body'].filter((mark) => mark !== false).join(', ');
  const servers = row.runtimes?.join(', ') ?? '';
  return `| ${row.method} | \`${row.path}\` | ${row.verb} | ${named[row.modelIn]} | ${servers} | ${marks} | ${against(row)} |`;
}

function against(row: SurfaceRow | GrpcMethod | undefined): string {
  return (row && testedAgainst(row).join(', ')) || 'recorded';
}
