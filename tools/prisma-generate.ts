/**
 * Generates the Prisma client into libs/token/store, where it is missing or older than the schema. Prisma's command insists on a
 * schema engine that it would download from a host of its own, and uses none to generate: naming any existing file as that
 * engine lets a machine generate that reaches nothing but the npm registry.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './step.ts';

const generated = join(root, 'libs/token/store/src/generated');
const stamp = join(generated, '.schema');

/** What the generated client depends on: the schema and the generator's version. */
function wanted(): string {
  const hash = createHash('sha256').update(readFileSync(join(root, 'prisma/schema.prisma')));
  return hash.update(readFileSync(join(root, 'node_modules/prisma/package.json'))).digest('hex');
}

if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted()) {
  process.stdout.write('the Prisma client is up to date\n');
} else {
  rmSync(generated, { recursive: true, force: true });
  const { status, stdout, stderr } = spawnSync('prisma', ['generate'], {
    cwd: root,
    encoding: 'utf8',
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    },
  });
  if (status === 0) writeFileSync(stamp, wanted());
  else process.stderr.write(`${stdout}${stderr}`);
  process.exitCode = status ?? 1;
}
