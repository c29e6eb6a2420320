import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { violations } from './architecture.ts';
import { readWorkspace, type Project } from './workspace.ts';

const projects = readWorkspace(dirname(dirname(fileURLToPath(import.meta.url))));

/** The real workspace with one project changed. */
function changed(name: string, change: (project: Project) => Partial<Project>): readonly Project[] {
  expect(projects.map((project) => project.name)).toContain(name);
  return projects.map((project) => (project.name === name ? { ...project, ...change(project) } : project));
}

function importing(name: string, specifier: string, file = 'src/index.ts'): readonly Project[] {
  return changed(name, ({ imports, dependencies }) => ({
    imports: [...imports, { file, specifier }],
    dependencies: { ...dependencies, [specifier]: '0.1.0' },
  }));
}

const about = (sentences: string[], words: string): string[] => sentences.filter((text) => text.includes(words));

describe('architecture', () => {
  it('holds', () => {
    expect(violations(projects)).toEqual([]);
  });

  it.each([
    ['a domain library using an adapter', '@modelgate/keys', '@modelgate/store', 'domain may not use adapter'],
    ['an adapter using a feature', '@modelgate/store', '@modelgate/nest', 'adapter may not use feature'],
    ['a feature using an adapter', '@modelgate/nest', '@modelgate/store', 'feature may not use adapter'],
    ['an app using a testing library', '@modelgate/gateway', '@modelgate/testing', 'app may not use testing'],
    [
      'the gateway using the keys',
      '@modelgate/gateway',
      '@modelgate/keys',
      'the inference side may not use the token side',
    ],
    [
      'issuance using the verifier',
      '@modelgate/issuance',
      '@modelgate/verifier',
      'the token side may not use the inference side',
    ],
    [
      'a shared library using a side',
      '@modelgate/oauth',
      '@modelgate/keys',
      'the shared side may not use the token side',
    ],
  ])('fails on a forbidden arrow: %s', (_, from, to, sentence) => {
    expect(about(violations(importing(from, to)), sentence)).not.toEqual([]);
  });

  it.each(['@nestjs/common', 'fastify', '@prisma/client', 'undici', 'bullmq'])(
    'fails on the framework %s in a domain library',
    (framework) => {
      expect(about(violations(importing('@modelgate/policy', framework)), 'into a domain library')).toHaveLength(1);
    },
  );

  it('fails on Nest in an adapter', () => {
    expect(about(violations(importing('@modelgate/store', '@nestjs/common')), 'an adapter sees no Nest')).toHaveLength(
      1,
    );
  });

  it('fails on the file system in a domain library', () => {
    expect(about(violations(importing('@modelgate/policy', 'node:fs')), 'imports node:fs')).toHaveLength(1);
  });

  it('fails on an undeclared dependency', () => {
    const used = changed('@modelgate/scope', ({ imports }) => ({
      imports: [...imports, { file: 'src/verb.ts', specifier: 'jose' }],
    }));
    expect(about(violations(used), 'does not declare')).toEqual([
      '@modelgate/scope: src/verb.ts imports jose, which its package.json does not declare',
    ]);
  });

  it('fails on a dependency that nobody imports, or tests alone', () => {
    const idle = changed('@modelgate/scope', ({ dependencies, imports }) => ({
      dependencies: { ...dependencies, jose: '6.2.18' },
      imports: [...imports, { file: 'src/verb.test.ts', specifier: 'jose' }],
    }));
    expect(about(violations(idle), 'not imported')).toEqual([
      '@modelgate/scope: jose is declared and not imported outside of tests',
    ]);
  });

  it('fails on a development dependency used outside of tests', () => {
    const used = changed('@modelgate/gateway', ({ imports, devDependencies }) => ({
      imports: [...imports, { file: 'src/main.ts', specifier: 'nock' }],
      devDependencies: { ...devDependencies, nock: '1.0.0' },
    }));
    expect(about(violations(used), 'does not declare')).toHaveLength(1);
  });

  it('fails on a reference that is no dependency, and on a dependency without a reference', () => {
    const swapped = changed('@modelgate/verifier', () => ({ references: ['libs/inference/protocols'] }));
    expect(about(violations(swapped), 'tsconfig.json refers to libs/inference/protocols')).toHaveLength(1);
    expect(about(violations(swapped), 'does not refer to its dependency libs/shared/scope')).toHaveLength(1);
  });

  it('fails on a range where a version belongs, and on a project without tags', () => {
    const loose = changed('@modelgate/scope', () => ({ dependencies: { zod: '^4.6.7' }, references: [], tags: [] }));
    expect(about(violations(loose), 'not pinned exactly')).toHaveLength(1);
    expect(about(violations(loose), 'tags must name')).toHaveLength(1);
  });

  it('fails on a test script that fails without a unit test', () => {
    const bare = changed('@modelgate/scope', () => ({
      test: 'vitest run --root ../.. --project unit libs/shared/scope/',
    }));
    expect(about(violations(bare), 'test script')).toHaveLength(1);
  });

  it('fails on a library that lies with another side', () => {
    const strayed = changed('@modelgate/scope', () => ({ folder: 'libs/token/scope' }));
    expect(about(violations(strayed), 'does not lie in libs/shared')).toHaveLength(1);
  });
});
