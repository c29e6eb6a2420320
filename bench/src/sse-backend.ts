/**
 * The language model server of the gateway benchmarks: answers every request with events, each in a packet of its own, so
 * that what is measured is the proxy in front of it. Prints its port.
 *
 * Started with how many events make an answer (default 200), and with the milliseconds between them (default 2).
 */
import { createServer, type Socket } from 'node:net';

const [events = 200, milliseconds = 2] = process.argv.slice(2).map(Number);

const event = {
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 0,
  model: 'iris',
  choices: [{ index: 0, delta: { content: ' token' }, finish_reason: null }],
};
const data = `data: ${JSON.stringify(event)}\n\n`;
const chunk = Buffer.from(`${data.length.toString(16)}\r\n${data}\r\n`);
const end = Buffer.from('0\r\n\r\n');
// nginx, which buffers answers otherwise, is told not to.
const fields = ['content-type: text/event-stream', 'transfer-encoding: chunked', 'x-accel-buffering: no'];
const head = Buffer.from(`HTTP/1.1 200 OK\r\n${fields.join('\r\n')}\r\n\r\n`);

function serve(socket: Socket): void {
  let received = '';
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes: Buffer) => {
    received += bytes.toString('latin1');
    const headEnd = received.indexOf('\r\n\r\n');
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(received)?.[1] ?? 0);
    if (headEnd < 0 || received.length < headEnd + 4 + length) return;
    received = '';
    stream(socket);
  });
}

function stream(socket: Socket): void {
  socket.write(Buffer.concat([head, chunk]));
  let left = events - 1;
  const timer = setInterval(() => {
    socket.write(left > 1 ? chunk : Buffer.concat([chunk, end]));
    if (--left === 0 || socket.destroyed) clearInterval(timer);
  }, milliseconds);
}

const server = createServer(serve);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address ? address.port : 0}\n`);
});
