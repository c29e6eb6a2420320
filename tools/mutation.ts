/**
 * `npm run mutation`: breaks the rules one by one, in the libraries where a rule that nobody tests would be a hole, and sees
 * whether a test fails each time. Ends with another code than 0 where less than nine in ten are noticed.
 */
import { step } from './step.ts';

const help = `npm run mutation [-- --mutate <file>]: mutation score of scope, verifier, catalogue, model registry and classification; minutes.
The report is in .stryker/report.html.\n`;

if (process.argv.includes('--help')) process.stdout.write(help);
else process.exitCode = await step('mutation', ['stryker', 'run', ...process.argv.slice(2)]);
