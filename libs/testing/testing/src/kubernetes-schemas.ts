import { Ajv, type ValidateFunction } from 'ajv';
import { suiteText } from './public-suites.ts';

/** A Kubernetes object as YAML has it. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata?: { name?: string; namespace?: string };
  spec?: unknown;
}

interface Schema {
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
  format?: string;
  [member: string]: unknown;
}

interface CoreSchemas {
  definitions: Record<
    string,
    Schema & { 'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[] }
  >;
}

/** What the API server and Istio's admission check of a manifest's form, by their published schemas. */
export class KubernetesSchemas {
  readonly #ajv = new Ajv({ strict: false, unicodeRegExp: false, validateFormats: false, allErrors: true });
  readonly #core = JSON.parse(suiteText('k8s-schemas/kubernetes-core.json')) as CoreSchemas;
  readonly #istio = JSON.parse(suiteText('k8s-schemas/istio-crds.json')) as { schemas: Record<string, Schema> };
  readonly #compiled = new Map<string, ValidateFunction>();

  /** What is wrong with it: members that are missing, of another type, or not known. */
  problems(manifest: Manifest): string[] {
    const name = `${manifest.apiVersion}/${manifest.kind}`;
    const validate = this.#compiled.get(name) ?? this.#compile(name);
    this.#compiled.set(name, validate);
    if (validate(manifest)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${name}${instancePath}: ${message} ${JSON.stringify(params)}`,
    );
  }

  #compile(name: string): ValidateFunction {
    const schema = this.#istio.schemas[name] ?? this.#coreKind(name);
    if (!schema) throw new Error(`no schema of ${name}`);
    return this.#ajv.compile(closed(schema));
  }

  #coreKind(name: string): Schema | undefined {
    const { definitions } = this.#core;
    const found = Object.entries(definitions).find(([, { 'x-kubernetes-group-version-kind': kinds = [] }]) =>
      kinds.some(({ group, version, kind }) => [group, version, kind].filter((part) => part !== '').join('/') === name),
    );
    return found && { $ref: `#/definitions/${found[0]}`, definitions };
  }
}

/** The same schema, refusing members it does not name, as `kubectl apply --validate=strict` does. */
function closed(schema: unknown): object {
  const copy = JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === 'description' && typeof value === 'string' ? undefined : value,
  ) as object;
  visit(copy);
  return copy;
}

function visit(schema: unknown): void {
  if (typeof schema !== 'object' || schema === null) return;
  const node = schema as Schema;
  if (node.format === 'int-or-string') node['type'] = ['integer', 'string'];
  if (node.properties && typeof node.properties === 'object' && isOpen(node)) node.additionalProperties = false;
  for (const child of Object.values(node)) visit(child);
}

function isOpen(node: Schema): boolean {
  return (
    node.additionalProperties === undefined &&
    node['x-kubernetes-preserve-unknown-fields'] !== true &&
    node['type'] === 'object'
  );
}
