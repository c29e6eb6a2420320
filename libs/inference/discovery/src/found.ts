import { TakenNames, type CatalogueModel, type Clash } from '@modelgate/catalogue';
import type { Offer } from './offer.ts';

/** An object of the cluster and its result. */
export interface Found {
  kind: string;
  namespace: string;
  name: string;
  /** Creation time, as the API server writes it. */
  created: string;
  offer: Offer;
}

/** An object that is not served, and the reason. */
export interface RefusedObject {
  /** Kind, namespace and name, as in `InferenceService fraud/iris`. */
  object: string;
  reason: string;
}

export interface Servable {
  models: readonly CatalogueModel[];
  refused: readonly RefusedObject[];
}

/**
 * Services that KServe creates for the components of a service. They must not be reachable under a name of their own.
 */
const componentService = /^(.+)-(?:predictor|transformer|explainer)(?:-default)?$/;

/**
 * Selects the models that can be served together, older objects first: a new object cannot take the name or the host of
 * an existing one. Each conflicting object is reported with its reason.
 *
 * @param domain of the model hosts
 */
export function servable(found: readonly Found[], domain: string): Servable {
  const taken = new TakenNames(domain);
  const titles = new Map<string, string>();
  const services = new Set(found.filter(({ kind }) => kind === 'InferenceService').map(fullName));
  const models: CatalogueModel[] = [];
  const refused: RefusedObject[] = [];
  const refuse = (one: Found, reason: string): void => void refused.push({ object: title(one), reason });
  for (const one of found.toSorted(byAge)) {
    const base = componentOf(one);
    if ('refused' in one.offer) refuse(one, one.offer.refused);
    else if (services.has(base)) refuse(one, `its name belongs to a component of InferenceService ${base}`);
    else {
      const clash = taken.take(one.offer.model);
      if (clash) refuse(one, reasonOf(clash, titles));
      else {
        titles.set(fullName(one), title(one));
        models.push(one.offer.model);
      }
    }
  }
  return { models, refused };
}

/** Notes on the served objects, each a sentence that names its object. */
export function notesOf(found: readonly Found[]): string[] {
  return found.flatMap((one) => ('notes' in one.offer ? one.offer.notes.map((note) => `${title(one)}: ${note}`) : []));
}

/** The InferenceService that would have a component of this name, whether or not it exists. */
function componentOf({ namespace, name }: Found): string {
  return `${namespace}/${componentService.exec(name)?.[1] ?? ''}`;
}

function reasonOf({ owner, host }: Clash, titles: ReadonlyMap<string, string>): string {
  const older = titles.get(owner) ?? owner;
  return host === undefined
    ? `its name is already used by the older ${older}`
    : `its host ${host} is already used by the older ${older}`;
}

function byAge(one: Found, other: Found): number {
  const [a, b] = [`${one.created} ${title(one)}`, `${other.created} ${title(other)}`];
  return a < b ? -1 : a > b ? 1 : 0;
}

function title(one: Found): string {
  return `${one.kind} ${fullName(one)}`;
}

function fullName({ namespace, name }: Found): string {
  return `${namespace}/${name}`;
}
