/** Below this many characters two names may well be neighbours by chance. */
const shortestName = 6;

/**
 * Variables that are one slip of the keyboard away from a setting that is absent: a setting with a default would be ignored
 * without a word otherwise. Names are in the answer, values never.
 *
 * @param settings the names there are, whether set or not
 */
export function misspeltSettings(
  settings: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const names = settings.flatMap((name) => (name.endsWith('_FILE') ? [name] : [name, `${name}_FILE`]));
  const known = new Set(names);
  const absent = settings.filter((name) => !environment[name] && !environment[`${name}_FILE`]);
  const wanted = names.filter((name) => absent.some((setting) => name === setting || name === `${setting}_FILE`));
  return Object.keys(environment)
    .filter((name) => environment[name] && !known.has(name))
    .flatMap((name) => {
      const meant = wanted.find((candidate) => isSlip(name.toUpperCase(), candidate));
      return meant === undefined ? [] : [`${name} is not a setting; did you mean ${meant}?`];
    });
}

/** At most one character too many, too few, or another one, or two neighbours that changed places. */
function isSlip(typed: string, meant: string): boolean {
  if (meant.length < shortestName || Math.abs(typed.length - meant.length) > 1) return false;
  let start = 0;
  while (start < meant.length && typed[start] === meant[start]) start++;
  const [left, right] = [typed.slice(start), meant.slice(start)];
  if (left.length !== right.length) return left.slice(1) === right || left === right.slice(1);
  return left.slice(1) === right.slice(1) || swapped(left) === right;
}

function swapped(text: string): string {
  return `${text.slice(1, 2)}${text.slice(0, 1)}${text.slice(2)}`;
}
