/**
 * `npm start`: the whole of Modelgate on this machine, the main job once in front of the reader, and then it stays up.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { liveOwners, Progress, RunFolder } from '@modelgate/real-parts';
import { startStack, type Stack } from '@modelgate/dev-stack';
import { build } from './build.ts';
import { readArguments } from './command-line.ts';
import { irisBody, irisPath, runMainJob } from './main-job.ts';
import { root } from './step.ts';
import { stopRequested } from './stop-requested.ts';

const help = `npm start [-- --once]

Starts PostgreSQL, an identity provider (Keycloak where Java is there), a model server (KServe where Python is there), the
token service and the gateway, runs the main job once, and stays up until Ctrl-C. While it is up, .modelgate/dev.json names
every URL, client and secret file.

  --once   exit with the verdict of the main job

Environment: MODELGATE_CACHE   where downloads and built servers are kept
             KEYCLOAK_URL      a Keycloak that runs already, with the realm of deploy/keycloak imported
             DATABASE_URL      a PostgreSQL that runs already, in which its user may create databases
`;
const folder = join(root, '.modelgate', 'dev');
const runs = join(root, '.modelgate', 'run');
const description = join(root, '.modelgate', 'dev.json');
// A spare of a few seconds, so that the rotation can be watched; real deployments keep the defaults.
const quickKeys = {
  KEYS_VERIFIERS: 'modelgate',
  KEYS_LEAD_TIME: '4s',
  KEYS_PROPAGATION: '2s',
  JWKS_MAX_AGE: '1s',
  CLOCK_SKEW: '1s',
  KEYS_ROTATE_EVERY: '1d',
};

async function main(): Promise<number> {
  const { values } = readArguments(help, { once: { type: 'boolean' } });
  const started = Date.now();
  if (!(await build())) return 1;
  const [other] = liveOwners('dev', runs);
  if (other !== undefined)
    throw new Error(`npm start is running here already (pid ${other}); .modelgate/dev.json describes it`);
  const run = await RunFolder.create('dev', runs, new Progress('services', (text) => say(`  ${text}\n`)));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stopped = stopRequested();
  let up = false;
  void stopped.then(() => up || stopBeforeUp());
  say('\nStarting the stack …\n');
  const stack = await startStack({
    root,
    folder,
    run,
    onProgress: (text) => say(`  ${text}\n`),
    tokenServiceEnv: quickKeys,
    ports: values.once ? {} : { tokenService: 8080, gateway: 8081, identity: 8180 },
  });
  up = true;
  try {
    for (const sentence of stack.parts.standIns) say(`\n${sentence}\n`);
    say(`\nUp after ${seconds(started)}. The main job:\n\n`);
    const ok = await runMainJob(stack, (text) => say(`${text}\n`));
    say(ok ? `\nAll as it should be, ${seconds(started)} after the start.\n` : '\nNot as it should be: see above.\n');
    if (values.once) return ok ? 0 : 1;
    describe(stack);
    await stopped;
    say('\nStopping …\n');
    return ok ? 0 : 1;
  } finally {
    rmSync(description, { force: true });
    await stack.stop();
    await run.remove();
  }
}

/** Nobody waits for downloads that are not wanted any more: what has been started ends with this process. */
function stopBeforeUp(): never {
  say('\nStopped before it was up.\n');
  process.exit(130);
}

function describe(stack: Stack): void {
  const { issuer, gateways, gatewayHealth, realm, secretFiles, parts } = stack;
  const clients = Object.entries(secretFiles).map(([clientId, secretFile]) => ({ clientId, secretFile }));
  const content = {
    admin: { url: `${stack.admins[0]}/admin/v1`, description: `${stack.admins[0]}/admin/v1/openapi.json` },
    tokenService: { issuer, tokenEndpoint: `${issuer}/oauth2/token`, jwks: `${issuer}/.well-known/jwks.json` },
    gateway: { url: gateways[0], health: gatewayHealth[0] },
    identityProvider: {
      kind: realm.kind,
      issuer: realm.issuer,
      tokenEndpoint: realm.tokenEndpoint,
      clients: realm.clients,
    },
    modelServer: { url: parts.modelServer.url },
    database: { url: parts.database.url },
    clients: [...clients, { clientId: 'notebook' }],
    logs: join(folder, 'logs'),
  };
  writeFileSync(description, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
  say(`
  token service      ${issuer}
  admin API          ${stack.admins[0]}/admin/v1
  gateway            ${gateways[0]}   (health ${gatewayHealth[0]}/health/ready)
  identity provider  ${realm.issuer}
  model server       ${parts.modelServer.url}
  everything else    .modelgate/dev.json, logs in .modelgate/dev/logs

Call a model yourself:

${curl(stack)}
Ctrl-C stops everything.
`);
}

function curl({ issuer, gateways, realm, secretFiles }: Stack): string {
  const secret = realm.clients.find(({ clientId }) => clientId === 'batch-scorer')?.secret ?? '';
  return `  KC=$(curl -s ${realm.tokenEndpoint} -d grant_type=client_credentials \\
       -u batch-scorer:${secret} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  TOKEN=$(curl -s ${issuer}/oauth2/token -u "batch-scorer:$(cat ${secretFiles['batch-scorer']})" \\
       -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange \\
       -d subject_token_type=urn:ietf:params:oauth:token-type:access_token \\
       -d subject_token="$KC" -d scope=fraud/iris:predict | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -s ${gateways[0]}${irisPath} -H "Authorization: Bearer $TOKEN" \\
       -H 'Content-Type: application/json' -d '${JSON.stringify(irisBody)}'

`;
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

function say(text: string): 0 {
  process.stdout.write(text);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
process.exit();
