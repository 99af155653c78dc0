import { expect } from 'chai';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { listen } from '../../conformance-tests/listen.ts';
import { handlesGone, openHandles } from '../../conformance-tests/open-handles.ts';
import { TcpProxy } from '../../conformance-tests/tcp-proxy.ts';

/** A server that keeps what it hears and a client through the proxy, for one test. */
class Wire implements AsyncDisposable {
  readonly proxy: TcpProxy;
  readonly #server: Server;
  readonly served: Socket[] = [];
  readonly #clients: Socket[] = [];

  static async make(): Promise<Wire> {
    const server = createServer({ noDelay: true });
    const port = await listen(server);
    return new Wire(server, await TcpProxy.to({ host: '127.0.0.1', port }));
  }

  private constructor(server: Server, proxy: TcpProxy) {
    this.#server = server;
    this.proxy = proxy;
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      this.served.push(socket);
    });
  }

  /** Both ends of a new connection. */
  async dial(): Promise<{ readonly client: Talker; readonly broker: Talker }> {
    const accepted = new Promise<Socket>((resolve) => {
      this.#server.once('connection', resolve);
    });
    const socket = this.call();
    await once(socket, 'connect');
    return { client: new Talker(socket), broker: new Talker(await accepted) };
  }

  call(): Socket {
    const socket = connect({ host: this.proxy.host, port: this.proxy.port, noDelay: true });
    socket.on('error', () => undefined);
    this.#clients.push(socket);
    return socket;
  }

  stopServer(): void {
    this.#server.close();
    for (const socket of this.served) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#clients) socket.destroy();
    this.stopServer();
    await this.proxy.close();
  }
}

/** Counts and keeps what a socket hears, and waits for it. */
class Talker {
  readonly socket: Socket;
  heard = '';
  ended = false;
  closed = false;
  error: NodeJS.ErrnoException | undefined;
  #waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.heard += text;
      this.#wake();
    });
    socket.on('end', () => {
      this.ended = true;
      this.#wake();
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  async until(condition: (talker: Talker) => boolean): Promise<void> {
    while (!condition(this)) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

describe('TcpProxy', () => {
  let wire: Wire;
  beforeEach(async () => {
    wire = await Wire.make();
  });
  afterEach(async () => {
    await wire[Symbol.asyncDispose]();
  });

  it('passes bytes unchanged in both directions', async () => {
    const { client, broker } = await wire.dial();
    const text = 'é\0ÿ'.repeat(100_000);
    client.socket.write(text, 'latin1');
    broker.socket.write('hello', 'latin1');
    await broker.until(({ heard }) => heard.length >= text.length);
    await client.until(({ heard }) => heard.length >= 5);
    expect(broker.heard === text).to.equal(true);
    expect(client.heard).to.equal('hello');
  });

  it('passes the end of one direction on and leaves the other open', async () => {
    const { client, broker } = await wire.dial();
    broker.socket.allowHalfOpen = true;
    client.socket.end('last words');
    await broker.until(({ ended }) => ended);
    expect(broker.heard).to.equal('last words');
    broker.socket.end('answer');
    await client.until(({ ended }) => ended);
    expect(client.heard).to.equal('answer');
  });

  it('counts the connections that stand and those that came', async () => {
    const first = await wire.dial();
    await wire.dial();
    expect(wire.proxy.connections).to.equal(2);
    first.client.socket.destroy();
    await once(first.broker.socket, 'close');
    await settleUntil(() => wire.proxy.connections === 1);
    expect(wire.proxy.accepted).to.equal(2);
  });

  it('sever resets both sides with RST and turns new connections away until it is healed', async () => {
    const { client, broker } = await wire.dial();
    wire.proxy.sever();
    await Promise.all(
      [client, broker].map((side) => side.until(({ error }) => error !== undefined)),
    );
    expect(client.error?.code).to.equal('ECONNRESET');
    expect(broker.error?.code).to.equal('ECONNRESET');
    expect(client.ended || broker.ended).to.equal(false);

    const refused = new Talker(wire.call());
    await refused.until(({ error }) => error !== undefined);
    expect(wire.proxy.refused).to.equal(1);
    expect(wire.proxy.accepted).to.equal(1);

    wire.proxy.heal();
    const again = await wire.dial();
    again.client.socket.write('back');
    await again.broker.until(({ heard }) => heard === 'back');
  });

  it('cut resets what stands and welcomes new connections at once', async () => {
    const { client } = await wire.dial();
    wire.proxy.cut();
    await client.until(({ error }) => error !== undefined);
    const again = await wire.dial();
    again.broker.socket.write('hi');
    await again.client.until(({ heard }) => heard === 'hi');
    expect(wire.proxy.connections).to.equal(1);
  });

  it('refuse turns new connections away and leaves those that stand', async () => {
    const { client, broker } = await wire.dial();
    wire.proxy.refuse();
    const refused = new Talker(wire.call());
    await refused.until(({ error }) => error !== undefined);
    client.socket.write('still here');
    await broker.until(({ heard }) => heard === 'still here');
  });

  it('counts the bytes that have passed in each direction', async () => {
    const { client, broker } = await wire.dial();
    client.socket.write('12345');
    await broker.until(({ heard }) => heard.length === 5);
    expect([wire.proxy.passed('toBroker'), wire.proxy.passed('toBus')]).to.deep.equal([5, 0]);
  });

  it('swallow lets nothing through, no end and no reset either, and heal lets it arrive', async () => {
    const { client, broker } = await wire.dial();
    wire.proxy.swallow();
    client.socket.end('a');
    broker.socket.write('b');
    await settleUntil(() => client.socket.writableFinished && broker.socket.bytesWritten === 1);
    expect([broker.heard, client.heard, broker.ended]).to.deep.equal(['', '', false]);
    wire.proxy.heal();
    await broker.until(({ ended }) => ended);
    await client.until(({ heard }) => heard === 'b');
    expect(broker.heard).to.equal('a');
  });

  it('swallow in one direction lets the other one through', async () => {
    const { client, broker } = await wire.dial();
    wire.proxy.swallow('toBroker');
    client.socket.write('question');
    broker.socket.write('news');
    await client.until(({ heard }) => heard === 'news');
    expect(broker.heard).to.equal('');
    wire.proxy.heal();
    await broker.until(({ heard }) => heard === 'question');
  });

  it('swallow does not read, so that a sender that goes on feels that nobody does', async () => {
    const { client } = await wire.dial();
    wire.proxy.swallow();
    const chunk = Buffer.alloc(1024 * 1024);
    let flowing = true;
    for (let sent = 0; flowing && sent < 64; sent += 1) {
      flowing = client.socket.write(chunk);
      if (!flowing) {
        const drained = await Promise.race([
          once(client.socket, 'drain').then(() => true),
          new Promise<false>((resolve) => setTimeout(resolve, 300, false)),
        ]);
        flowing = drained;
      }
    }
    expect(flowing).to.equal(false);
  });

  it('a connection made while everything is swallowed is accepted, hears nothing, and works after heal', async () => {
    wire.proxy.swallow();
    const { client, broker } = await wire.dial();
    client.socket.write('one');
    broker.socket.write('two');
    await settleUntil(() => client.socket.bytesWritten === 3);
    expect(client.heard).to.equal('');
    wire.proxy.heal();
    await broker.until(({ heard }) => heard === 'one');
    await client.until(({ heard }) => heard === 'two');
  });

  it('slow passes about as many bytes a second as it was told', async () => {
    const { client, broker } = await wire.dial();
    wire.proxy.slow({ bytesPerSecond: 20_000 });
    const startMs = performance.now();
    client.socket.write('x'.repeat(6_000));
    await broker.until(({ heard }) => heard.length === 6_000);
    // 6,000 bytes in slices of 400 every 20 ms: the fifteenth leaves after 280 ms.
    expect(performance.now() - startMs).to.be.greaterThan(250);
  });

  it('delay holds bytes back in each direction and keeps their order', async () => {
    const { client, broker } = await wire.dial();
    broker.socket.on('data', (text) => {
      broker.socket.write(text);
    });
    wire.proxy.delay({ delayMs: 60 });
    const startMs = performance.now();
    const expected = Array.from({ length: 50 }, (_, index) => `${index};`);
    for (const part of expected) client.socket.write(part);
    await client.until(({ heard }) => heard === expected.join(''));
    expect(performance.now() - startMs).to.be.greaterThan(118);
  });

  it('breakAfter passes exactly so many bytes in that direction, then cuts', async () => {
    const { client, broker } = await wire.dial();
    wire.proxy.breakAfter({ bytes: 7, direction: 'toBus', how: 'cut' });
    client.socket.write('this does not count');
    await broker.until(({ heard }) => heard.length === 19);
    broker.socket.write('0123');
    broker.socket.write('456789');
    // libuv reports a reset that follows data at once as an end, so either will do.
    await client.until(({ closed }) => closed);
    expect(client.heard).to.equal('0123456');
    const again = await wire.dial();
    again.broker.socket.write('0123456789');
    await again.client.until(({ heard }) => heard === '0123456789');
  });

  it('breakAfter can stop instead of cutting: half a frame, then silence', async () => {
    const { client, broker } = await wire.dial();
    wire.proxy.breakAfter({ bytes: 3, direction: 'toBus', how: 'swallow' });
    broker.socket.end('abcdef');
    await client.until(({ heard }) => heard === 'abc');
    await settleUntil(() => broker.socket.writableFinished);
    expect([client.heard, client.ended]).to.deep.equal(['abc', false]);
    wire.proxy.heal();
    await client.until(({ ended }) => ended);
    expect(client.heard).to.equal('abcdef');
  });

  it('resets its client when the broker is not there', async () => {
    wire.stopServer();
    const client = new Talker(wire.call());
    await client.until(({ error }) => error !== undefined);
    expect(client.error?.code).to.equal('ECONNRESET');
  });

  it('close resets what stands, frees the port and may be called twice', async () => {
    const { client } = await wire.dial();
    await wire.proxy.close();
    await wire.proxy.close();
    await client.until(({ error }) => error !== undefined);
    const late = new Talker(wire.call());
    await late.until(({ error }) => error !== undefined);
    expect(late.error?.code).to.equal('ECONNREFUSED');
  });

  it('leaves no handle open, whenever it cuts', async () => {
    // Mocha's own timer starts when the first turn is over.
    await new Promise(setImmediate);
    const before = openHandles();
    // Some of these are cut while the way to the broker is still being made, or while an end is on its way.
    for (let turns = 0; turns < 40; turns += 1) {
      const client = new Talker(wire.call());
      await once(client.socket, 'connect');
      client.socket.end(Buffer.alloc(turns % 2 === 0 ? 1 : 300_000));
      for (let turn = 0; turn < turns / 2; turn += 1) await new Promise(setImmediate);
      wire.proxy.cut();
      client.socket.destroy();
    }
    await settleUntil(() => wire.proxy.accepted === 40);
    wire.proxy.cut();
    await wire.proxy.untilIdle();
    for (const socket of wire.served) socket.destroy();
    await handlesGone(before, 2_000);
  });

  it('refuses a rate, a delay or a number of bytes that makes no sense', () => {
    expect(() => {
      wire.proxy.slow({ bytesPerSecond: 0 });
    }).to.throw(TypeError, 'bytesPerSecond');
    expect(() => {
      wire.proxy.delay({ delayMs: -1 });
    }).to.throw(TypeError, 'delayMs');
    expect(() => {
      wire.proxy.breakAfter({ bytes: Number.NaN, direction: 'toBus', how: 'cut' });
    }).to.throw(TypeError, 'bytes');
  });
});

/** Lets pending I/O happen until the condition holds; mocha's timeout is the bound. */
async function settleUntil(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
  }
}
