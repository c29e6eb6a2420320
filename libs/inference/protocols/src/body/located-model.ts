/** The position of the model name in a body. */
export interface LocatedModel {
  name: string;
  /** Offset of the first byte of the name, inside any quotes, and of the byte after its last. */
  start: number;
  end: number;
}

/** Excludes control characters, invisible characters and lone surrogates, which parsers replace in different ways. */
const modelName = /^\P{C}{1,256}$/u;

export function isModelName(text: string): boolean {
  return modelName.test(text);
}
