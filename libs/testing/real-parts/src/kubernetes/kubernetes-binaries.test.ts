import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCommand } from '../machine/command.ts';
import { installKubernetes, kubernetesAvailable } from './kubernetes-binaries.ts';
import { Progress } from '../machine/progress.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelgate-kubernetes-'));
  vi.stubEnv('MODELGATE_CACHE', join(folder, 'cache'));
  vi.stubEnv('KUBEBUILDER_ASSETS', '');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function program(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, 0o755);
  return path;
}

describe('etcd and kube-apiserver', () => {
  it('come from the folder KUBEBUILDER_ASSETS names', async () => {
    vi.stubEnv('KUBEBUILDER_ASSETS', folder);
    const found = { etcd: program('etcd'), kubeApiserver: program('kube-apiserver') };
    expect(await kubernetesAvailable()).toEqual({ ok: true });
    expect(await installKubernetes(new Progress('kube-apiserver', undefined))).toEqual(found);
  });

  it('are missing by name where that folder has one of them only', async () => {
    vi.stubEnv('KUBEBUILDER_ASSETS', folder);
    program('etcd');
    const reason = `KUBEBUILDER_ASSETS names ${folder}, but ${join(folder, 'kube-apiserver')} is no program`;
    expect(await kubernetesAvailable()).toEqual({ ok: false, reason });
    await expect(installKubernetes(new Progress('kube-apiserver', undefined))).rejects.toThrow(reason);
  });

  it('are missing without Go', async () => {
    vi.stubEnv('PATH', folder);
    const reason = 'Go ≥ 1.26 is needed to build etcd, and is not on the PATH';
    expect(await kubernetesAvailable()).toEqual({ ok: false, reason });
  });

  it('are missing where their modules cannot be had', async ({ skip }) => {
    const go = await runCommand('sh', ['-c', 'command -v go']).catch(() => undefined);
    skip(go === undefined, 'Go is not on the PATH');
    vi.stubEnv('PATH', [dirname(String(go).trim()), '/usr/bin', '/bin'].join(delimiter));
    vi.stubEnv('GOPROXY', 'off');
    vi.stubEnv('GOMODCACHE', join(folder, 'modules'));
    const availability = await kubernetesAvailable();
    expect(availability).toMatchObject({ ok: false });
    expect(availability).toHaveProperty(
      'reason',
      expect.stringMatching(/^the Go module go\.etcd\.io\/etcd\/server\/v3@v3\.7\.3 cannot be had: .*GOPROXY=off/),
    );
  });
});
