import { deny, type Denial } from '../denial/denial.ts';
import { JsonError, maxJsonDepth, objectMembers, stringValue, type JsonMember } from './json-scanner.ts';
import { isModelName, type LocatedModel } from './located-model.ts';

const quote = 0x22;

const malformed = {
  json_encoding: deny('body_malformed', { message: 'The request body must be UTF-8 without a byte order mark.' }),
  json_malformed: deny('body_malformed', { message: 'The request body is not JSON.' }),
  json_too_deep: deny('body_malformed', { message: `The request body is nested deeper than ${maxJsonDepth} levels.` }),
};
const noObject = deny('body_malformed', { message: 'The request body must be a JSON object.' });
const repeated = deny('body_malformed', { message: 'The request body has two members of the same name.' });
const misspelt = deny('model_ambiguous', {
  message: 'The body must have exactly one member model, spelt in lower case.',
});
const noName = deny('model_missing', { message: 'model must be a string of up to 256 visible characters.' });

/**
 * Locates the model name in a JSON object: the string value of its only member `model`. Servers disagree on which of
 * two equal members counts, and Go accepts `Model` for `model`, so both are refused.
 */
export function locateJsonModel(body: Buffer): LocatedModel | Denial {
  const members = readMembers(body);
  if (!Array.isArray(members)) return members;
  let model: JsonMember | undefined;
  const names = new Set<string>();
  for (const member of members) {
    const { name } = member;
    if (names.has(name)) return name === 'model' ? misspelt : repeated;
    names.add(name);
    if (name === 'model') model = member;
    else if (name.toLowerCase() === 'model') return misspelt;
  }
  return model ? locate(body, model) : deny('model_missing');
}

function readMembers(body: Buffer): JsonMember[] | Denial {
  try {
    return objectMembers(body) ?? noObject;
  } catch (error) {
    if (error instanceof JsonError) return malformed[error.problem];
    throw error;
  }
}

function locate(body: Buffer, { start, end }: JsonMember): LocatedModel | Denial {
  if (body[start] !== quote) return noName;
  const name = stringValue(body, start, end);
  return isModelName(name) ? { name, start: start + 1, end: end - 1 } : noName;
}
