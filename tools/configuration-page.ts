/**
 * The reference of every setting, out of the schemas that the services read their environment with.
 */
import type { Setting } from '@modelgate/nest';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './step.ts';

const services = [
  { app: 'gateway', schema: 'gatewaySettings', title: 'Gateway', about: '`node apps/gateway/dist/main.js`' },
  {
    app: 'token-service',
    schema: 'tokenServiceSettings',
    title: 'Token service',
    about: '`node apps/token-service/dist/main.js`, its `worker.js`, and `modelgate-admin`',
  },
];

const opening = `# Configuration

<!-- Made by npm run generate out of the schemas in apps/*/src/config.ts. -->

Both services are set by environment variables alone and read them once, at start. A variable that is empty counts as absent. Of
each that does not end in \`_FILE\` itself, the value may be in a file instead, which \`NAME_FILE\` names, as secrets are mounted.
Durations are written like \`15m\`, \`1h10s\` or \`7d\`. What is wrong is listed whole, with its remedy, and the process ends with 78;
so is a name that is one slip away from a setting. \`--help\` says what is on this page.
`;

/** As Markdown. Takes the services as they were built last. */
export function configurationPage(): string {
  const sections = services.map(({ app, schema, title, about }) => {
    const rows = settingsOf(app, schema).map(row);
    return `## ${title}\n\n${about}.\n\n| setting | default | |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  return [opening, ...sections].join('\n');
}

function row({ name, required, fallback, description }: Setting): string {
  const given = required ? '**required**' : fallback === undefined ? '' : `\`${fallback}\``;
  return `| \`${name}\` | ${given} | ${description.replaceAll('|', '\\|')} |`;
}

/** In a process of its own: Node runs the sources of a script like this one, but not those of a service, which have decorators. */
function settingsOf(app: string, schema: string): Setting[] {
  const program = `
    import { settingsOf } from '@modelgate/nest';
    import { ${schema} } from './dist/config.js';
    process.stdout.write(JSON.stringify(settingsOf(${schema})));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: join(root, 'apps', app),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the settings of ${app} cannot be read; npm run build first\n${stderr}`);
  return JSON.parse(stdout) as Setting[];
}
