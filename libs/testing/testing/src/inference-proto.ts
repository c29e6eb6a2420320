import { fileURLToPath } from 'node:url';

/** Where the messages of the Open Inference Protocol are described, for clients that read such a file. */
export const inferenceProto = fileURLToPath(new URL('../proto/inference.proto', import.meta.url));
