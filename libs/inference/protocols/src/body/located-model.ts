/** Where a body names its model. */
export interface LocatedModel {
  name: string;
  /** Offset of the first byte of the name, within its quotes where it has some, and of the first byte after it. */
  start: number;
  end: number;
}

/** Neither control characters nor invisible ones, nor half a surrogate pair, which every parser replaces in its own way. */
const modelName = /^\P{C}{1,256}$/u;

export function isModelName(text: string): boolean {
  return modelName.test(text);
}
