import { spawnSync } from 'node:child_process';
import { startOn } from './child.ts';
import { freePort, untilListening, type Proxy, type Setting } from './proxy.ts';

/** Whether oauth2-proxy is on the PATH. */
export function hasOauth2Proxy(): boolean {
  return spawnSync('oauth2-proxy', ['--version']).status === 0;
}

/** oauth2-proxy that lets bearer tokens of the issuer pass: signature, issuer, audience, expiry; no limit and no model. */
export async function startOauth2Proxy(setting: Setting): Promise<Proxy> {
  const port = await freePort();
  const options: Record<string, string> = {
    'http-address': `127.0.0.1:${port}`,
    upstream: `http://127.0.0.1:${setting.upstreamPort}`,
    provider: 'oidc',
    'oidc-issuer-url': setting.issuer,
    'skip-oidc-discovery': 'true',
    'login-url': `${setting.issuer}/auth`,
    'redeem-url': `${setting.issuer}/token`,
    'oidc-jwks-url': `${setting.issuer}/jwks`,
    'client-id': setting.audience,
    'client-secret': 'of-nobody',
    'cookie-secret': '0123456789abcdef',
    'email-domain': '*',
    'skip-jwt-bearer-tokens': 'true',
    'request-logging': 'false',
    'auth-logging': 'false',
    'standard-logging': 'false',
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const process = startOn('measured', ['oauth2-proxy', ...args], { GOMAXPROCS: '1' });
  await untilListening(port, process);
  return { port, pids: [process.pid ?? 0], stop: () => void process.kill('SIGTERM') };
}
