/**
 * `npm run generate`: writes the reference pages that are made from the sources. With `--check` it only says which of them are
 * no longer what the sources make of them.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { openApiDocument } from '../apps/token-service/src/admin-api/openapi.ts';
import { readArguments } from './command-line.ts';
import { configurationPage } from './configuration-page.ts';
import { errorsPage } from './errors-page.ts';
import { root } from './step.ts';
import { surfacesPage } from './surfaces-page.ts';

const help = `npm run generate [-- --check]: writes the generated reference pages, or says which of them are stale.\n`;

const pages: Readonly<Record<string, () => string>> = {
  'docs/reference/configuration.md': configurationPage,
  'docs/reference/errors.md': errorsPage,
  'docs/reference/surfaces.md': surfacesPage,
  'docs/reference/admin-api.json': () => JSON.stringify(openApiDocument()),
};

async function main(check: boolean): Promise<number> {
  const stale: string[] = [];
  for (const [path, render] of Object.entries(pages)) {
    const file = join(root, path);
    const text = await format(render(), { ...(await resolveConfig(file)), filepath: file });
    if (existsSync(file) && (await readFile(file, 'utf8')) === text) continue;
    stale.push(path);
    if (check) continue;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  const verdict = check ? 'is stale: npm run generate' : 'written';
  for (const path of stale) process.stdout.write(`${path} ${verdict}\n`);
  return check ? stale.length : 0;
}

const { values } = readArguments(help, { check: { type: 'boolean' } });
process.exitCode = (await main(values.check === true)) === 0 ? 0 : 1;
