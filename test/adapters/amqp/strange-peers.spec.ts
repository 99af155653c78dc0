import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

import { expect } from 'chai';

import { amqpBus } from '../../../adapters/amqp/index.ts';
import { listen } from '../../../conformance-tests/listen.ts';
import { BusError } from '../../../src/index.ts';
import { Heard } from '../../support/heard.ts';
import { rejection } from '../../unit/bus/bench-bus.ts';

describe('the amqp bus, where something else listens', () => {
  for (const [what, greet] of [
    ['closes at once', (socket: Socket) => socket.destroy()],
    ['says nothing', (socket: Socket) => socket.resume()],
    [
      'answers with a header of another version',
      (socket: Socket) => socket.end('AMQP\u0000\u0001\u0000\u0000'),
    ],
    [
      'speaks HTTP',
      (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
    ],
    ['speaks STOMP', (socket: Socket) => socket.end('ERROR\nmessage:Unknown command\n\n\u0000')],
    [
      'sends half a frame and stops',
      (socket: Socket) => socket.write(Buffer.from([1, 0, 0, 0, 0, 1, 0, 0, 10])),
    ],
    [
      'announces a frame of 4 GB',
      (socket: Socket) => socket.write(Buffer.from([1, 0, 0, 255, 255, 255, 255])),
    ],
    ['sends 100 MB', (socket: Socket) => sendMuch(socket)],
  ] as const) {
    it(`gives up in time when it ${what}, and leaves nothing behind`, async () => {
      const sockets = new Set<Socket>();
      const server = createServer((socket) => {
        sockets.add(socket.on('error', () => undefined));
        greet(socket);
      });
      const port = await listen(server);
      const bus = amqpBus({
        host: '127.0.0.1',
        port,
        exchange: 'x',
        tuning: { attachTimeoutMs: 500 },
      });
      const error = await rejection(bus.open(new Heard().receiver));
      expect(error).to.be.instanceOf(BusError).and.include({ code: 'BUS_UNREACHABLE' });
      await bus.close();
      // The client has hung up: only then can its peers end too.
      await Promise.all(
        Array.from(sockets, async (socket) => {
          socket.resume();
          if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
        }),
      );
      server.close();
      await once(server, 'close');
    });
  }
});

function sendMuch(socket: Socket): void {
  const megabyte = Buffer.alloc(1_024 * 1_024, 'x');
  for (let sent = 0; sent < 100; sent += 1) socket.write(megabyte);
}
