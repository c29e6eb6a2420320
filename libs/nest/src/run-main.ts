import { ConfigurationError } from './configuration.ts';

/** sysexits.h: the configuration is wrong, and starting again will not help. */
const configurationExit = 78;

/** Runs an app's main function: a wrong configuration is printed whole and ends the process with 78, anything else with 1. */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (error instanceof ConfigurationError) {
      process.stderr.write(`${error.message}:\n${error.problems.map((problem) => `  - ${problem}\n`).join('')}`);
      process.exit(configurationExit);
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`the process ends: ${text}\n`);
    process.exit(1);
  }
}
