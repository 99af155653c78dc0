import { connect, createServer, type Server, type Socket } from 'node:net';
import { listen } from '../../../conformance-tests/listen.ts';
import type { Address } from '../../../conformance-tests/index.ts';

/** A server that says what a test wants it to say, by itself or in place of a real one. */
export class StrangeServer implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  /** Answers everything that it is sent with what `answer` makes of it. */
  static async that(answer: (heard: string) => string | undefined): Promise<StrangeServer> {
    return StrangeServer.#made((socket) => {
      socket.on('data', (bytes) => {
        const text = answer(bytes.toString());
        if (text !== undefined) socket.write(text);
      });
    });
  }

  /** Passes everything on to a real server and back, until `says` is called. */
  static async before(real: Address): Promise<StrangeServer> {
    return StrangeServer.#made((socket) => {
      const back = connect(real.port, real.host);
      back.on('error', () => socket.destroy()).on('close', () => socket.destroy());
      socket.on('close', () => back.destroy());
      socket.pipe(back).pipe(socket);
    });
  }

  static async #made(behave: (socket: Socket) => void): Promise<StrangeServer> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
      behave(socket);
    });
    return new StrangeServer(server, await listen(server), sockets);
  }

  private constructor(server: Server, port: number, sockets: Set<Socket>) {
    this.#server = server;
    this.port = port;
    this.#sockets = sockets;
  }

  /** Slips something in on every line. */
  says(bytes: string | Buffer): void {
    for (const socket of this.#sockets) socket.write(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** How a server greets. */
export function greeting(features: string): string {
  return (
    `<?xml version='1.0'?><stream:stream from='localhost' id='1' version='1.0' xmlns='jabber:client' ` +
    `xmlns:stream='http://etherx.jabber.org/streams'><stream:features>${features}</stream:features>`
  );
}

export function mechanisms(...names: readonly string[]): string {
  const each = names.map((name) => `<mechanism>${name}</mechanism>`).join('');
  return `<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${each}</mechanisms>`;
}
