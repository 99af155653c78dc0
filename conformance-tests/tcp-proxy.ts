import { EventEmitter, once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Address } from './address.ts';
import { listen, stopListening } from './listen.ts';
import { OneWay, type LineConditions } from './one-way.ts';

/** `toBroker`: what the bus sends; `toBus`: what it hears. */
export type Direction = 'toBroker' | 'toBus';

/**
 * A line between a bus and its broker that is cut, stopped or slowed at will: the real client and the real
 * broker, with faults that come when the test says so. Every fault lasts until `heal`.
 */
export class TcpProxy implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly #server: Server;
  readonly #target: Address;
  readonly #calls = new Set<Call>();
  readonly #toBroker = untouched();
  readonly #toBus = untouched();
  readonly #events = new EventEmitter();
  #breaksBy: 'cut' | 'swallow' = 'cut';
  #refusing = false;
  #accepted = 0;
  #refused = 0;

  /**
   * Listens on a free port of 127.0.0.1 and passes every connection on to `target`.
   * @throws {Error} if no port is to be had
   */
  static async to(target: Address): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    return new TcpProxy(server, await listen(server), target);
  }

  private constructor(server: Server, port: number, target: Address) {
    this.port = port;
    this.#server = server;
    this.#target = target;
    server.on('connection', (client) => {
      this.#accept(client);
    });
  }

  /** Connections that stand now. */
  get connections(): number {
    return this.#calls.size;
  }

  /** Connections passed on since the start. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Connections turned away since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Bytes passed on in that direction since the start. */
  passed(direction: Direction): number {
    return this.#of(direction).passed;
  }

  /** Resolves when so many more connections have been turned away. */
  async untilRefused(count: number): Promise<void> {
    const goal = this.#refused + count;
    while (this.#refused < goal) await once(this.#events, 'refused');
  }

  /** Resolves when no connection stands any more. */
  async untilIdle(): Promise<void> {
    while (this.#calls.size > 0) await once(this.#events, 'idle');
  }

  /** Resets every connection (RST). New ones are welcome at once. */
  cut(): void {
    for (const call of this.#calls) call.reset();
  }

  /** Resets every connection (RST), and every new one. */
  sever(): void {
    this.#refusing = true;
    this.cut();
  }

  /** Resets new connections; those that stand go on. */
  refuse(): void {
    this.#refusing = true;
  }

  /**
   * A black hole: nothing passes any more, no FIN and no RST either. New connections are accepted and hear nothing.
   * After `heal` the bytes held back arrive, as TCP would have them arrive.
   */
  swallow(direction?: Direction): void {
    for (const conditions of this.#conditionsOf(direction)) conditions.swallowed = true;
    this.#refresh();
  }

  /** Passes at most so many bytes a second, each connection for itself. */
  slow(options: { readonly bytesPerSecond: number; readonly direction?: Direction }): void {
    const { bytesPerSecond } = options;
    if (!(bytesPerSecond > 0)) throw new TypeError('bytesPerSecond must be a number above 0');
    for (const conditions of this.#conditionsOf(options.direction)) {
      conditions.bytesPerSecond = bytesPerSecond;
    }
  }

  /** Holds every byte back for so many ms, in each direction unless one is named. */
  delay(options: { readonly delayMs: number; readonly direction?: Direction }): void {
    const { delayMs } = options;
    if (!(delayMs >= 0)) throw new TypeError('delayMs must be a number, 0 or above');
    for (const conditions of this.#conditionsOf(options.direction)) conditions.delayMs = delayMs;
  }

  /** Passes exactly `bytes` more in that direction, then cuts or swallows: in the middle of a frame, say. */
  breakAfter(options: {
    readonly bytes: number;
    readonly direction: Direction;
    readonly how: 'cut' | 'swallow';
  }): void {
    const { bytes, direction } = options;
    if (!(bytes > 0)) throw new TypeError('bytes must be a number above 0');
    for (const conditions of this.#conditionsOf(direction)) conditions.bytesLeft = bytes;
    this.#breaksBy = options.how;
  }

  /** Ends every fault. What was held back arrives; what was reset stays so. */
  heal(): void {
    this.#refusing = false;
    for (const conditions of [this.#toBroker, this.#toBus]) {
      Object.assign(conditions, untouched(), { passed: conditions.passed });
    }
    this.#refresh();
  }

  /** Resets what stands and frees the port. */
  async close(): Promise<void> {
    this.cut();
    await stopListening(this.#server);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      this.#refused += 1;
      this.#events.emit('refused');
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    this.#accepted += 1;
    const call = new Call({
      client,
      broker: connect({ ...this.#target, allowHalfOpen: true, noDelay: true }),
      toBroker: this.#toBroker,
      toBus: this.#toBus,
      onBroken: () => {
        this.#break();
      },
      onClosed: () => {
        this.#calls.delete(call);
        if (this.#calls.size === 0) this.#events.emit('idle');
      },
    });
    this.#calls.add(call);
  }

  #break(): void {
    for (const conditions of [this.#toBroker, this.#toBus]) conditions.bytesLeft = undefined;
    if (this.#breaksBy === 'swallow') this.swallow();
    else this.cut();
  }

  #conditionsOf(direction: Direction | undefined): readonly LineConditions[] {
    if (direction === undefined) return [this.#toBroker, this.#toBus];
    return [this.#of(direction)];
  }

  #of(direction: Direction): LineConditions {
    return direction === 'toBroker' ? this.#toBroker : this.#toBus;
  }

  #refresh(): void {
    for (const call of this.#calls) call.refresh();
  }
}

function untouched(): LineConditions {
  return { swallowed: false, delayMs: 0, bytesPerSecond: 0, bytesLeft: undefined, passed: 0 };
}

/** One connection of a bus, and the one to the broker that belongs to it. */
class Call {
  readonly #sockets: readonly Socket[];
  readonly #ways: readonly OneWay[];
  readonly #onClosed: () => void;
  #open: number;

  constructor(options: {
    readonly client: Socket;
    readonly broker: Socket;
    readonly toBroker: LineConditions;
    readonly toBus: LineConditions;
    readonly onBroken: () => void;
    readonly onClosed: () => void;
  }) {
    const { client, broker, toBroker, toBus, onBroken } = options;
    this.#onClosed = options.onClosed;
    this.#sockets = [client, broker];
    this.#open = this.#sockets.length;
    for (const socket of this.#sockets) {
      // One side was reset, or the broker is not there: the other side must hear of it the same way.
      socket.on('error', () => {
        this.reset();
      });
      socket.on('close', () => {
        this.#closed();
      });
    }
    this.#ways = [
      new OneWay({ from: client, to: broker, conditions: toBroker, onBroken }),
      new OneWay({ from: broker, to: client, conditions: toBus, onBroken }),
    ];
  }

  refresh(): void {
    for (const way of this.#ways) way.refresh();
  }

  reset(): void {
    for (const way of this.#ways) way.stop();
    for (const socket of this.#sockets) hangUp(socket);
  }

  #closed(): void {
    this.#open -= 1;
    if (this.#open > 0) return;
    for (const way of this.#ways) way.stop();
    this.#onClosed();
  }
}

/**
 * With RST, unless FIN is on its way: libuv refuses to reset a socket that is shutting down
 * (`uv_tcp_close_reset`), and Node then leaves the handle open for ever.
 */
function hangUp(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
