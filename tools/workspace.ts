/**
 * The workspace as its package.json files declare it and as its sources use it: what the architecture rules look at.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** One import statement: where it stands and what it names. */
export interface Import {
  /** Path from the project's folder. */
  file: string;
  specifier: string;
}

export interface Project {
  name: string;
  /** Path from the workspace's root. */
  folder: string;
  tags: readonly string[];
  dependencies: Readonly<Record<string, string>>;
  devDependencies: Readonly<Record<string, string>>;
  /** Folders its tsconfig.json refers to, from the workspace's root. */
  references: readonly string[];
  imports: readonly Import[];
  /** The command of its `test` script, which `nx affected -t test` runs. */
  test?: string | undefined;
}

/** Test code: may use what only devDependencies declare, and the testing libraries. */
export function isTestFile(file: string): boolean {
  return /\.(?:test|itest|e2e|contract|fixture|sim)\.ts$/.test(file) || file.startsWith('src/simulation/');
}

/** @param root absolute path of the workspace */
export function readWorkspace(root: string): Project[] {
  const { workspaces } = json(join(root, 'package.json')) as { workspaces: string[] };
  return workspaces
    .flatMap((pattern) => globSync(`${pattern}/package.json`, { cwd: root }))
    .sort()
    .map((manifest) => readProject(root, manifest.replace(/\/package\.json$/, '')));
}

function readProject(root: string, folder: string): Project {
  const manifest = json(join(root, folder, 'package.json')) as {
    name: string;
    dependencies?: Record<string, string>;
    devDependencies?: Record<string, string>;
    scripts?: { test?: string };
    nx?: { tags?: string[] };
  };
  return {
    name: manifest.name,
    folder,
    tags: manifest.nx?.tags ?? [],
    dependencies: manifest.dependencies ?? {},
    devDependencies: manifest.devDependencies ?? {},
    references: readReferences(root, folder),
    imports: readImports(join(root, folder)),
    test: manifest.scripts?.test,
  };
}

function readReferences(root: string, folder: string): string[] {
  const file = join(root, folder, 'tsconfig.json');
  if (!existsSync(file)) return [];
  const { references = [] } = json(file) as { references?: { path: string }[] };
  return references.map(({ path }) => relative(root, join(root, folder, path)));
}

const statement = /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)(['"])([^'"\n]+)\1/g;

function readImports(folder: string): Import[] {
  const files = globSync('**/*.ts', {
    cwd: folder,
    exclude: (name) => ['node_modules', 'dist', 'generated'].includes(name),
  });
  return files.sort().flatMap((file) => {
    const source = readFileSync(join(folder, file), 'utf8').replaceAll(/^\s*(?:\*|\/\/|\/\*).*$/gm, '');
    return [...source.matchAll(statement)].map((match) => ({ file, specifier: match[2] ?? '' }));
  });
}

function json(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
