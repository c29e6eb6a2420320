// Runs one of the project's commands on the Node the project ships with, after installing what is missing.
// Plain JavaScript without imports from node_modules: it is the one file that must run on any Node from 20 on, in a
// clone where nothing is installed yet.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const commands = ['start', 'test', 'check', 'bench', 'build', 'generate', 'mutation'];
const [command, ...rest] = process.argv.slice(2);

if (!commands.includes(command ?? '')) {
  process.stderr.write(`usage: npm run <${commands.join(' | ')}> [-- --help]\n`);
  process.exit(64);
}
const major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  process.stderr.write(`Modelgate needs Node 20 or newer to install itself; this is Node ${process.versions.node}.\n`);
  process.exit(69);
}

installIfStale();
const node = join(root, 'node_modules', 'node', 'bin', 'node');
const script = join(root, 'tools', `${command}.ts`);
const child = spawn(
  node,
  ['--conditions=@modelgate/source', '--disable-warning=ExperimentalWarning', script, ...rest],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH ?? ''}` },
  },
);
// The terminal sends its signals to the whole group; what is sent to this process alone is passed on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

/** A marker with the lockfile's hash, written last, tells a finished installation from an interrupted one. */
function installIfStale() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const marker = join(root, 'node_modules', '.modelgate-installed');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === lock) return;
  process.stdout.write('Installing dependencies (once per lockfile, under a minute on a usual line) …\n');
  const started = Date.now();
  // Not `npm ci`: it refuses a lockfile without the binaries of every other platform, and a registry that serves only some
  // platforms writes such a lockfile. `--no-save` installs what the lockfile says and leaves it as it is.
  const options = ['--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = spawnSync('npm', ['install', ...options], { cwd: root, stdio: 'inherit' });
  if (npm.status !== 0) {
    process.stderr.write('npm install failed; its output is above. Nothing was started.\n');
    process.exit(1);
  }
  writeFileSync(marker, lock);
  process.stdout.write(`Dependencies installed in ${Math.round((Date.now() - started) / 1000)} s.\n`);
}
