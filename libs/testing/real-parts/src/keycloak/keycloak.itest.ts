import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { keycloak } from './keycloak.ts';
import { lastingLoopbackPort, loopbackPort } from '../machine/loopback-port.ts';
import { processesWith } from '../machine/process-table.ts';
import type { Realm } from './realm.ts';
import { realmContract } from './realm.contract.ts';
import { requireOrSkip } from '../require-or-skip.ts';
import { runVariable } from '../machine/run-folder.ts';

const installAndStart = 600_000;
const state = mkdtempSync(join(tmpdir(), 'modelgate-keycloak-'));
const missing = await requireOrSkip(keycloak);
let realm: Realm;
const reports: string[] = [];

beforeAll(async () => {
  if (!missing) realm = await keycloak.start({ stateFolder: state, onExit: (report) => reports.push(report) });
}, installAndStart);
beforeEach(({ skip }) => {
  skip(missing !== undefined, missing);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await realm?.stop();
  rmSync(state, { recursive: true });
});

realmContract(() => realm);

test('KEYCLOAK_URL stands in for one of our own, which then starts and stops nothing', async () => {
  const admin = realm.admin ?? { username: '', password: '' };
  vi.stubEnv('KEYCLOAK_URL', `${realm.url}/`);
  vi.stubEnv('KEYCLOAK_ADMIN_USERNAME', admin.username);
  vi.stubEnv('KEYCLOAK_ADMIN_PASSWORD', admin.password);
  expect(await keycloak.available()).toEqual({ ok: true });
  const configured = await keycloak.start();
  expect(configured.issuer).toBe(realm.issuer);
  await configured.rotateRealmKeys();
  await configured.stop();
  expect((await realm.clientCredentials('batch-scorer')).tokenType).toBe('Bearer');
  vi.stubEnv('KEYCLOAK_URL', `http://127.0.0.1:${await lastingLoopbackPort()}`);
  expect(await keycloak.available()).toEqual({ ok: false, reason: expect.stringMatching(/cannot be reached$/) });
  vi.unstubAllEnvs();
});

// Last: it stops what the others use.
test('a stop leaves no process, no port and no folder behind', async () => {
  const [run = ''] = readdirSync(state).map((name) => join(state, name));
  expect(processesWith(runVariable, run).length > 0 || process.platform !== 'linux').toBe(true);
  const port = Number(new URL(realm.url).port);
  await realm.stop();
  expect(processesWith(runVariable, run)).toEqual([]);
  expect(await loopbackPort(port)).toBe(port);
  expect([readdirSync(state), reports]).toEqual([[], []]);
});
