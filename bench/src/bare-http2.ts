/**
 * The floor of the gRPC benchmark: a proxy that is Node's HTTP/2 on both sides and nothing else. It reads each request whole,
 * as the gateway has to, and judges none. Started with the port of the model server, prints its own.
 */
import { connect, createServer, type ServerHttp2Stream } from 'node:http2';

const upstreams = Array.from({ length: 8 }, () => connect(`http://127.0.0.1:${process.argv[2]}`));
let calls = 0;

const server = createServer({ settings: { initialWindowSize: 256 * 1024 } });
server.on('session', (session) => session.setLocalWindowSize(1024 * 1024));
server.on('stream', (stream, headers) => {
  const pieces: Buffer[] = [];
  stream.on('error', () => undefined);
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  stream.on('end', () => forward(stream, String(headers[':path']), pieces));
});

function forward(stream: ServerHttp2Stream, path: string, pieces: readonly Buffer[]): void {
  const fields = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  const request = upstreams[calls++ % upstreams.length]?.request(fields, { endStream: false });
  if (!request) return;
  request.cork();
  for (const piece of pieces) request.write(piece);
  request.end();
  request.uncork();
  let status: unknown;
  request.on('response', () => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  });
  request.on('trailers', (trailers) => (status = trailers['grpc-status']));
  request.on('data', (piece: Buffer) => stream.write(piece));
  request.on('end', () => stream.end());
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status) }));
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address ? address.port : 0}\n`);
});
