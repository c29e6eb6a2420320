import { readFileSync } from 'node:fs';
import { parse, YAMLParseError } from 'yaml';
import { ConfigurationError } from './configuration.ts';

/**
 * A file that a setting names, as YAML or JSON has it.
 *
 * @param setting by whose name the operator knows the file
 * @throws ConfigurationError for what cannot be read or parsed; never with a piece of its content
 */
export function readConfigurationFile(setting: string, path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new ConfigurationError([`${setting} ${path} cannot be read`]);
  }
  try {
    // An alias may stand for any number of copies of what it names.
    return parse(text, { maxAliasCount: 0 });
  } catch (error) {
    const line = error instanceof YAMLParseError ? error.linePos?.[0].line : undefined;
    throw new ConfigurationError([`${setting} ${path} is not YAML${line === undefined ? '' : `, see line ${line}`}`]);
  }
}
