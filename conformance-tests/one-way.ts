import type { Socket } from 'node:net';

/** What is done to the bytes that travel in one direction. Shared by all connections of a proxy. */
export interface LineConditions {
  swallowed: boolean;
  delayMs: number;
  /** 0: as fast as the sockets go. */
  bytesPerSecond: number;
  /** How many more bytes pass before the line breaks; `undefined`: it does not. */
  bytesLeft: number | undefined;
  /** How many bytes have passed since the start. */
  passed: number;
}

/** Read ahead of the receiving side, at most. More would hide from the sender that its peer does not read. */
const MAX_QUEUED_BYTES = 256 * 1024;
/** A slow line passes its bytes in slices of this length. */
const SLICE_MS = 20;

/** One direction of one connection. Bytes are held back, never dropped from the middle: TCP does not do that either. */
export class OneWay {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #conditions: LineConditions;
  readonly #onBroken: () => void;
  #queue: { readonly bytes: Buffer; readonly dueAtMs: number }[] = [];
  #queuedBytes = 0;
  #ended = false;
  #waiting = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: {
    readonly from: Socket;
    readonly to: Socket;
    readonly conditions: LineConditions;
    /** Told when the last of `bytesLeft` has been handed to the kernel. */
    readonly onBroken: () => void;
  }) {
    this.#from = options.from;
    this.#to = options.to;
    this.#conditions = options.conditions;
    this.#onBroken = options.onBroken;
    this.#from.on('data', (bytes) => {
      this.#queue.push({ bytes, dueAtMs: performance.now() + this.#conditions.delayMs });
      this.#queuedBytes += bytes.length;
      this.refresh();
    });
    this.#from.on('end', () => {
      this.#ended = true;
      this.refresh();
    });
    this.refresh();
  }

  /** Acts on conditions that may have changed. */
  refresh(): void {
    if (this.#stopped) return;
    if (this.#conditions.swallowed) {
      // Not reading is what makes it a black hole: neither bytes nor FIN nor RST are noticed.
      this.#from.pause();
      return;
    }
    this.#pump();
    if (this.#queuedBytes > MAX_QUEUED_BYTES) this.#from.pause();
    else this.#from.resume();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  #pump(): void {
    while (!this.#waiting && !this.#stopped && !this.#conditions.swallowed) {
      const next = this.#queue[0];
      if (next === undefined) {
        if (this.#ended && !this.#to.writableEnded) this.#to.end();
        return;
      }
      // Spent, and about to break: whatever comes now is on the far side of the break.
      if (this.#conditions.bytesLeft === 0) return;
      const earlyMs = next.dueAtMs - performance.now();
      if (earlyMs > 0) this.#after(earlyMs);
      else this.#pass(next.bytes, next.dueAtMs);
    }
  }

  #pass(bytes: Buffer, dueAtMs: number): void {
    const { bytesPerSecond, bytesLeft } = this.#conditions;
    const slice =
      bytesPerSecond > 0 ? Math.max(1, Math.floor((bytesPerSecond * SLICE_MS) / 1000)) : Infinity;
    const length = Math.min(bytes.length, slice, bytesLeft ?? Infinity);
    if (length === bytes.length) this.#queue.shift();
    else this.#queue[0] = { bytes: bytes.subarray(length), dueAtMs };
    this.#queuedBytes -= length;
    this.#conditions.passed += length;
    if (bytesLeft !== undefined) this.#conditions.bytesLeft = bytesLeft - length;
    const broken = bytesLeft === length;
    const flowing = this.#to.write(bytes.subarray(0, length), () => {
      if (broken) setImmediate(this.#onBroken);
    });
    if (broken) return;
    if (bytesPerSecond > 0) this.#after(SLICE_MS);
    else if (!flowing) this.#untilDrained();
  }

  #after(waitMs: number): void {
    this.#waiting = true;
    this.#timer = setTimeout(() => {
      this.#waiting = false;
      this.refresh();
    }, waitMs);
  }

  #untilDrained(): void {
    this.#waiting = true;
    this.#to.once('drain', () => {
      this.#waiting = false;
      this.refresh();
    });
  }
}
