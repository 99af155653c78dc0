import { createWriteStream } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { nowMs } from './history.ts';

/** The system of record: answers `r KEY` with the key's version, and `w KEY` by committing the next one. */
const [historyFile = ''] = process.argv.slice(2);
const history = createWriteStream(historyFile);
const versions = new Map<string, number>();
/** How long a request takes, besides the way, in ms: both before and after it takes effect. */
const LATENCY_MS = 4;

function answer(socket: Socket, line: string): void {
  const [id = '', verb = '', key = ''] = line.split(' ');
  setTimeout(() => {
    const before = versions.get(key) ?? 0;
    const version = verb === 'w' ? before + 1 : before;
    if (verb === 'w') {
      versions.set(key, version);
      history.write(`${JSON.stringify({ key, version, atMs: nowMs() })}\n`);
    }
    setTimeout(() => {
      if (!socket.destroyed) socket.write(`${id} ${version}\n`);
    }, Math.random() * LATENCY_MS);
  }, Math.random() * LATENCY_MS);
}

const server = createServer((socket) => {
  socket.on('error', () => {
    socket.destroy();
  });
  const requests = createInterface({ input: socket });
  // It passes on what breaks its input: a node that was killed resets its connection.
  requests.on('error', () => undefined);
  requests.on('line', (line) => {
    answer(socket, line);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({
    type: 'listening',
    port: typeof address === 'object' ? address?.port : undefined,
  });
});
process.on('message', () => {
  history.end(() => {
    process.exit(0);
  });
});
process.on('disconnect', () => {
  process.stderr.write('the system of record ends: its parent has gone\n');
  process.exit(1);
});
