/**
 * Callers that have asked once and say nothing more. Started with the path of a JSON file (IdlePlan); prints `ready` once all
 * of them have their answer, and keeps their connections open until it is killed.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

export interface IdlePlan {
  port: number;
  /** One whole request. */
  request: string;
  connections: number;
}

function ask({ port, request }: IdlePlan): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('an idle connection was closed')));
    socket.once('data', () => resolve());
    socket.write(request);
  });
}

const plan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as IdlePlan;
for (let at = 0; at < plan.connections; at++) await ask(plan);
process.stdout.write('ready\n');
