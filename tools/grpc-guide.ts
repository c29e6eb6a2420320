/** The table of methods in `docs/guides/grpc.md`, from the one the gateway goes by. */
import { grpcMethods, type GrpcMethod } from '../libs/inference/protocols/src/grpc/grpc-methods.ts';

/** Its rows as Markdown, each without the spaces that align it. */
export function methodRows(): string[] {
  const head = '| method | verb | the model is named by | servers | |';
  return [head, ...grpcMethods.map(row)];
}

function row({ name, verb, messages, nameField, list, runtimes = [] }: GrpcMethod): string {
  const named =
    nameField === undefined ? 'the host' : `field ${nameField}${messages === 'many' ? ' of every message' : ''}`;
  return `| \`${name}\` | ${verb} | ${named} | ${runtimes.join(', ')} | ${list ? 'a list, of what the token may call' : ''} |`;
}
