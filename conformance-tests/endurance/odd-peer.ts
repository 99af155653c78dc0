import { createServer, type Socket } from 'node:net';
import type { Address } from '../address.ts';
import { listen, stopListening } from '../listen.ts';

/** How a peer behaves with one connection. */
export type Behaviour = (socket: Socket) => void;

/** A server that is no broker. */
export class OddPeer implements AsyncDisposable {
  readonly address: Address;
  readonly #sockets: Set<Socket>;
  readonly #stop: () => Promise<void>;

  static async that(behave: Behaviour): Promise<OddPeer> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
      behave(socket);
    });
    const port = await listen(server);
    return new OddPeer({ host: '127.0.0.1', port }, sockets, () => stopListening(server));
  }

  private constructor(address: Address, sockets: Set<Socket>, stop: () => Promise<void>) {
    this.address = address;
    this.#sockets = sockets;
    this.#stop = stop;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await this.#stop();
  }
}

const FLOOD_BYTES = 100 * 1024 * 1024;
const FLOOD_CHUNK_BYTES = 64 * 1024;

/** Sends 100 MB of one byte, as fast as they are taken. */
export function flood(text: string): Behaviour {
  const chunk = Buffer.alloc(FLOOD_CHUNK_BYTES, text);
  return (socket) => {
    let left = FLOOD_BYTES;
    const pour = (): void => {
      while (left > 0 && !socket.destroyed) {
        left -= chunk.length;
        if (!socket.write(chunk)) {
          socket.once('drain', pour);
          return;
        }
      }
    };
    socket.resume();
    pour();
  };
}

/** Says something at once, and again whenever it is spoken to. */
export function says(text: string, options: { readonly thenEnds: boolean }): Behaviour {
  return (socket) => {
    socket.write(text, 'latin1');
    socket.once('data', () => {
      if (options.thenEnds) socket.end(text, 'latin1');
      else socket.write(text, 'latin1');
    });
    socket.resume();
  };
}

export const silent: Behaviour = (socket) => {
  socket.resume();
};

export const closesAtOnce: Behaviour = (socket) => {
  socket.end();
};

export const resetsAtOnce: Behaviour = (socket) => {
  socket.resetAndDestroy();
};

/** What other servers say to somebody who has dialled the wrong port. */
export const OTHER_PROTOCOLS: Readonly<Record<string, string>> = {
  HTTP: 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
  SMTP: '220 mail.example.com ESMTP\r\n500 5.5.1 Invalid command\r\n',
  SSH: 'SSH-2.0-OpenSSH_9.2\r\n',
  Redis: "-ERR unknown command 'x'\r\n",
  AMQP: 'AMQP\0\0\x09\x01',
  STOMP: 'ERROR\nmessage:Unknown STOMP action\ncontent-length:0\n\n\0',
  XMPP: "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'><stream:error><not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
  TLS: '\x15\x03\x01\x00\x02\x02\x16',
};
