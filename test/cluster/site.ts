import type { InvalidationBus } from '../../src/index.ts';

/** A kind of bus that nodes can be attached to, each by a line of its own. */
export interface Site {
  readonly name: string;
  /** Starts what it needs. */
  open(): Promise<void>;
  /** The line of one node; `name` is unique among the nodes of the channel. */
  line(channel: string, name: string): Promise<Line>;
  close(): Promise<void>;
}

/** The way from one node to what it shares with the others. Every fault lasts until `heal`. */
export interface Line {
  /** Makes a bus that attaches by this line. */
  bus(): InvalidationBus;
  /** Resets every connection, and every new one. */
  sever(): void;
  /** Nothing passes any more, and nobody is told. */
  swallow(): void;
  heal(): void;
  /**
   * Has the broker forget the node while it is away, so that nothing is kept for it. `undefined`: this broker
   * keeps things for those who are away, and is not ours to command.
   */
  readonly forget: (() => Promise<void>) | undefined;
  close(): Promise<void>;
}
