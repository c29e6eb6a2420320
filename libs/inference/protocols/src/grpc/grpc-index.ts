import { slicePieces } from './grpc-bytes.ts';
import { locateString, readFields } from './grpc-protobuf.ts';

/** Of a `RepositoryIndexResponse` the list, and of each entry its name. */
const modelsField = 1;
const nameField = 1;

/**
 * Reduces a server's index of its models to the names in `allowed`. What is not understood to be about an allowed model is
 * left out.
 *
 * @throws ProtobufError where it is no index
 */
export function filterIndex(pieces: readonly Buffer[], allowed: ReadonlySet<string>): Buffer[] {
  const kept: Buffer[] = [];
  readFields(pieces, ({ number, delimited, start, valueStart, end }) => {
    if (number !== modelsField || !delimited) return;
    const name = locateString(slicePieces(pieces, valueStart, end), nameField)?.value;
    if (name !== undefined && allowed.has(name)) kept.push(...slicePieces(pieces, start, end));
  });
  return kept;
}
