#!/usr/bin/env node
import { doctor } from './doctor/doctor.ts';

const help = `modelgate <command>

  doctor   checks whether models can be reached without a valid token

modelgate <command> --help shows the options.
`;

const commands: Readonly<Record<string, typeof doctor>> = { doctor };
const usage = 64;

const [name = '', ...rest] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (command) process.exitCode = await command(rest, process);
else if (name === '--help') process.stdout.write(help);
else {
  process.stderr.write(`${name === '' ? 'No command was given' : `There is no command ${name}`}\n\n${help}`);
  process.exitCode = usage;
}
