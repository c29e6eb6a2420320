import type { ModelRef } from '@modelgate/scope';

/** Both host forms. The one with hyphens has no way to say where the name ends, which is why clashes are looked for. */
export function hostsOf({ namespace, name }: ModelRef, domain: string): [string, string] {
  return [`${name}.${namespace}.${domain}`, `${name}-${namespace}.${domain}`];
}
