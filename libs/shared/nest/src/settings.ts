import type { z } from 'zod';

/** One environment variable that an app reads, for those who have to set it. */
export interface Setting {
  name: string;
  /** The app does not start without it. */
  required: boolean;
  /** As it would be written in the environment; absent where nothing is set by default. */
  fallback?: string;
  description: string;
}

/** The settings of a schema, in its order. */
export function settingsOf({ shape }: z.ZodObject): Setting[] {
  return Object.entries(shape).map(([name, setting]) => {
    const { type, defaultValue } = (setting as z.ZodType).def as unknown as {
      type: string;
      defaultValue?: string | number | readonly string[];
    };
    const fallback = defaultValue === undefined ? '' : String(defaultValue);
    return {
      name,
      required: !['optional', 'default', 'prefault'].includes(type),
      ...(fallback !== '' && { fallback }),
      description: (setting as z.ZodType).description ?? '',
    };
  });
}

/** What an app's `--help` says: it takes no arguments, and these variables. */
export function settingsHelp(app: string, settings: readonly Setting[]): string {
  const width = Math.max(...settings.map(({ name }) => name.length));
  const lines = settings.map(({ name, required, fallback, description }) => {
    const given = required ? ' Required.' : fallback === undefined ? '' : ` Default: ${fallback}.`;
    return `  ${name.padEnd(width)}  ${description}${given}\n`;
  });
  return `${app} takes no arguments. Its settings are environment variables; NAME_FILE reads one from a file.\n\n${lines.join('')}`;
}
