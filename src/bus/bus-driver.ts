import type { BusError } from './bus-error.ts';
import type { BusCapabilities, ForeignMessage, Frame } from './invalidation-bus.ts';

/**
 * What an adapter author writes: one attempt to attach. `createBus` adds everything else (lifecycle,
 * re-attachment, ordering of continuity against frames, timeouts, bounds). See docs/writing-an-adapter.md.
 */
export interface BusDriver {
  readonly capabilities: BusCapabilities;
  /**
   * Makes one attempt. Resolves once every frame that the broker accepts from now on will be told to `events`.
   * Rejects with a `BusError`; whatever it had opened by then is released. When `signal` is aborted it must
   * give up soon and release everything; its result is then ignored.
   */
  attach(events: LinkEvents, signal: AbortSignal): Promise<Link>;
}

/** One attachment to the broker. */
export interface Link {
  /** The broker kept our place and will deliver what we missed. */
  readonly resumed: boolean;
  /** Resolves once the broker has accepted the frame; rejects with a `BusError`. */
  send(frame: Frame, options: SendOptions): Promise<void>;
  /** Releases everything that the link holds. Called exactly once, also after `down`, when it must not wait for the broker. */
  detach(): Promise<void>;
}

export interface SendOptions {
  readonly summary?: string;
}

/** What a link says. Nothing counts before `attach` has resolved, except that a `down` fails the attempt. */
export interface LinkEvents {
  frame(frame: Frame): void;
  foreign(message: ForeignMessage): void;
  /** Frames were dropped although the link stands. */
  gap(cause: BusError): void;
  /** The link is gone. A `BUS_ACCESS_DENIED` or `BUS_MISCONFIGURED` cause ends the bus; any other is retried. */
  down(cause: BusError): void;
}
