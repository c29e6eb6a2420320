import { parseModelRef, type ModelRef } from '@modelgate/scope';

/** @returns undefined for anything but `namespace/name`: an alias is part of its model's entry and has none of its own */
export function parseServiceName(text: string): ModelRef | undefined {
  const ref = parseModelRef(text);
  return ref?.alias === undefined ? ref : undefined;
}

/** @throws TypeError for what the schema refuses */
export function serviceNameOf({ model }: { model: string }): ModelRef {
  const ref = parseServiceName(model);
  if (!ref) throw new TypeError(`${model} is not of the form namespace/name`);
  return ref;
}
