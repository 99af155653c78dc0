import {
  BusError,
  type BusCapabilities,
  type BusDriver,
  type Frame,
  type Link,
  type LinkEvents,
  type SendOptions,
} from '../../../src/index.ts';

/** A driver whose every step is decided by the test. */
export class ScriptedDriver implements BusDriver {
  readonly capabilities: BusCapabilities;
  readonly attempts: ScriptedAttempt[] = [];

  constructor(capabilities: Partial<BusCapabilities> = {}) {
    this.capabilities = {
      ordering: 'total',
      resumption: true,
      maxFrameBytes: 100,
      ...capabilities,
    };
  }

  attach(events: LinkEvents, signal: AbortSignal): Promise<Link> {
    const attempt = new ScriptedAttempt(events, signal);
    this.attempts.push(attempt);
    return attempt.attaching;
  }

  get lastAttempt(): ScriptedAttempt {
    const last = this.attempts.at(-1);
    if (last === undefined) throw new Error('nobody has tried to attach');
    return last;
  }
}

export class ScriptedAttempt {
  readonly events: LinkEvents;
  readonly signal: AbortSignal;
  readonly attaching: Promise<Link>;
  readonly link: ScriptedLink = new ScriptedLink();
  readonly #resolve: (link: Link) => void;
  readonly #reject: (error: unknown) => void;

  constructor(events: LinkEvents, signal: AbortSignal) {
    this.events = events;
    this.signal = signal;
    const { promise, resolve, reject } = deferred<Link>();
    this.attaching = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  succeed(options: { readonly resumed?: boolean } = {}): ScriptedLink {
    this.link.resumed = options.resumed ?? false;
    this.#resolve(this.link);
    return this.link;
  }

  fail(error: unknown = new BusError('BUS_UNREACHABLE', 'nobody listens')): void {
    this.#reject(error);
  }

  down(error: BusError = new BusError('BUS_UNREACHABLE', 'the line was cut')): void {
    this.events.down(error);
  }
}

export interface Sent {
  readonly frame: Frame;
  readonly options: SendOptions;
  confirm(): void;
  refuse(error: unknown): void;
}

export class ScriptedLink implements Link {
  resumed = false;
  readonly sent: Sent[] = [];
  detachCount = 0;
  /** What `detach` waits for. */
  detaching: Promise<void> = Promise.resolve();
  /** Replaces the answer of `send`. */
  onSend: ((frame: Frame) => Promise<void>) | undefined;

  send(frame: Frame, options: SendOptions): Promise<void> {
    if (this.onSend !== undefined) return this.onSend(frame);
    const { promise, resolve, reject } = deferred<void>();
    this.sent.push({ frame, options, confirm: resolve, refuse: reject });
    return promise;
  }

  detach(): Promise<void> {
    this.detachCount += 1;
    return this.detaching;
  }
}

export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = unset;
  let reject: (error: unknown) => void = unset;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

function unset(): void {
  throw new Error('a promise calls its executor at once');
}
