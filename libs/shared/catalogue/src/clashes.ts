import type { CatalogueDocument } from './catalogue-document.ts';
import { TakenNames, type Clash } from './taken-names.ts';

/** What no entry can be blamed for alone: models of one name, of one host, and hosts of the gateway among those of models. */
export function clashes({ domain, hosts, models }: Pick<CatalogueDocument, 'domain' | 'hosts' | 'models'>): string[] {
  const taken = new TakenNames(domain);
  const among = hosts.filter((host) => host.endsWith(`.${domain}`));
  return [
    ...among.map((host) => `hosts: ${host} lies among the hosts of models; choose one outside ${domain}`),
    ...models.flatMap((entry) => {
      const clash = taken.take(entry);
      return clash ? [`models: ${problemOf(entry.model, clash)}`] : [];
    }),
  ];
}

function problemOf(model: string, { owner, host }: Clash): string {
  return host === undefined
    ? `${model} is named twice; keep one of the entries`
    : `${owner} and ${model} would share the host ${host}; rename one of them`;
}
