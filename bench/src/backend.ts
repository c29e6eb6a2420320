/**
 * The model server of the gateway benchmarks: answers every request at once with the same small prediction, or with its list
 * of models, on bare sockets, so that what is measured is the proxy in front of it. Prints its port.
 */
import { createServer, type Socket } from 'node:net';

const prediction = answerOf({ predictions: [0, 2, 1, 0, 2, 1, 0, 2, 1, 0] });
const list = answerOf({ models: ['iris', 'boston'] });
const listRequest = Buffer.from('GET /v1/models HTTP');

function answerOf(document: object): Buffer {
  const body = JSON.stringify(document);
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.from(head + body, 'latin1');
}

function serve(socket: Socket): void {
  let received: Buffer = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    for (
      let length = requestLength(received);
      length !== undefined && received.length >= length;
      length = requestLength(received)
    ) {
      const isList = received.subarray(0, listRequest.length).equals(listRequest);
      received = received.subarray(length);
      socket.write(isList ? list : prediction);
    }
  });
}

function requestLength(bytes: Buffer): number | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = bytes.toString('latin1', 0, end);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (length) return end + 4 + Number(length[1]);
  if (!/\r\ntransfer-encoding:/i.test(head)) return end + 4;
  const last = bytes.indexOf('0\r\n\r\n', end);
  return last < 0 ? undefined : last + 5;
}

const server = createServer(serve);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address ? address.port : 0}\n`);
});
