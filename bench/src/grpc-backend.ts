/**
 * The model server of the gRPC benchmark: answers every call of `ModelInfer` with the same small message once it is whole, so
 * that what is measured is the proxy in front of it. Prints its port.
 */
import { createServer } from 'node:http2';

const content = Buffer.concat([Buffer.from([0x32, 0xfd, 0x02]), Buffer.alloc(381)]);
const answer = Buffer.concat([Buffer.from([0, 0, 0, 0, 0]), content]);
answer.writeUInt32BE(content.length, 1);

const server = createServer({ settings: { initialWindowSize: 1024 * 1024 } });
server.on('session', (session) => session.setLocalWindowSize(16 * 1024 * 1024));
server.on('stream', (stream) => {
  stream.resume();
  stream.on('error', () => undefined);
  stream.on('end', () => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(answer);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address ? address.port : 0}\n`);
});
