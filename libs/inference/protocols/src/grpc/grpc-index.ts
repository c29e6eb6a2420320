import { slicePieces } from './grpc-bytes.ts';
import { locateString, readFields } from './grpc-protobuf.ts';

/** Field numbers: the list in a `RepositoryIndexResponse`, and the name in each of its entries. */
const modelsField = 1;
const nameField = 1;

/**
 * Filters a server's index of models to the names in `allowed`. An entry that cannot be parsed is omitted.
 *
 * @throws ProtobufError if the bytes are not an index
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
