/**
 * Documents and deployments name files and settings, and nobody compiles them: links that lead nowhere and variables that no
 * service reads were found by readers only.
 */
import { existsSync, readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { gatewaySettings, readConfig as readGateway } from '../apps/gateway/src/config.ts';
import { readConfig as readTokenService, tokenServiceSettings } from '../apps/token-service/src/config.ts';
import { root } from './step.ts';
import { readWorkspace } from './workspace.ts';

const documents = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
const settings = [...Object.keys(gatewaySettings.shape), ...Object.keys(tokenServiceSettings.shape)];
const text = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Variables of this repository's commands and of the guides' own blocks, statuses of gRPC, and `NAME_FILE` for any setting. */
const otherNames =
  /^(?:MODELGATE_\w+|KUBEBUILDER_ASSETS|KEYCLOAK_URL|GATEWAY_HEALTH|MODEL_SERVER|DEADLINE_EXCEEDED|PERMISSION_DENIED|NOT_FOUND|RESOURCE_EXHAUSTED|INVALID_ARGUMENT|NAME_FILE)$/;

/** As GitHub names the anchor of a heading. */
function anchorsOf(markdown: string): string[] {
  const headings = [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe.each(documents)('%s', (file) => {
  const links = [...text(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  const local = links.filter((link) => !/^[a-z]+:/.test(link));

  it('links to what is there', () => {
    const broken = local.filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : join(dirname(file), path);
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(text(target)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});

describe('ARCHITECTURE.md', () => {
  const rows = new Map(
    [...text('ARCHITECTURE.md').matchAll(/^\| \*\*(\w+)\*\* \|(.*)\|(.*)\|(.*)\|$/gm)].map(
      ([, layer = '', ...cells]) => [layer, cells],
    ),
  );
  const sides = ['token', 'shared', 'inference'];
  // The table's head says in which folder a side's libraries lie.
  const inTable = (folder: string): string => folder.replace(/^libs\/\w+\//, '');

  it.each(readWorkspace(root))('has $name where its tags say', ({ folder, tags }) => {
    const [layer = '', side = ''] = ['layer:', 'side:'].map((kind) =>
      tags.find((tag) => tag.startsWith(kind))?.slice(kind.length),
    );
    const found = [...rows].flatMap(([row, cells]) =>
      cells.flatMap((cell, at) => (cell.includes(`\`${inTable(folder)}\``) ? [`${row} ${sides[at]}`] : [])),
    );
    expect(found).toEqual([`${layer} ${side}`]);
  });
});

describe('settings', () => {
  it('are described, each of them', () => {
    const shapes = [gatewaySettings.shape, tokenServiceSettings.shape];
    const bare = shapes.flatMap((shape) =>
      Object.entries(shape).flatMap(([name, setting]) => (setting.description ? [] : [name])),
    );
    expect(bare).toEqual([]);
  });

  it('are there where a guide names them', () => {
    const of = (file: string): string[] =>
      [...text(file).matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`/g)].map(([, name = '']) => name);
    const known = new Set(settings.flatMap((name) => [name, `${name}_FILE`]));
    const unknown = documents.flatMap(of).filter((name) => !known.has(name) && !otherNames.test(name));
    expect(unknown).toEqual([]);
  });
});

describe('docker-compose.yml', () => {
  const { services } = parse(text('docker-compose.yml'), { merge: true }) as {
    services: Record<
      string,
      { environment?: Record<string, string>; volumes?: string[]; build?: { dockerfile?: string } }
    >;
  };

  it('gives both services a configuration that they start with', () => {
    expect(readGateway(services['gateway']?.environment ?? {})).toMatchObject({ PORT: 8081 });
    expect(readTokenService(services['token-service']?.environment ?? {})).toMatchObject({ PORT: 8080 });
  });

  it.each([
    ['gateway', gatewaySettings],
    ['token-service', tokenServiceSettings],
  ])('sets nothing at %s that it does not read', (service, { shape }) => {
    const set = Object.keys(services[service]?.environment ?? {});
    expect(set.filter((name) => !(name in shape))).toEqual([]);
  });

  it('mounts and builds what is there', () => {
    const mounted = Object.values(services).flatMap(({ volumes = [] }) =>
      volumes.filter((volume) => volume.startsWith('./')),
    );
    const built = Object.values(services).flatMap(({ build }) => (build?.dockerfile ? [build.dockerfile] : []));
    const files = [...mounted.map((volume) => volume.split(':')[0] ?? ''), ...built];
    expect(files.length).toBeGreaterThan(4);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });
});
