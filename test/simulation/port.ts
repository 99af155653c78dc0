import type { ForeignText } from '../../src/protocol/input.ts';

/** What a node's attachment says to it. */
export interface Attached {
  frame(frame: string): void;
  foreign(message: ForeignText): void;
  interrupted(): void;
  /** `lossless`: the broker says that it kept everything. */
  attached(lossless: boolean): void;
  /** Frames were dropped although the attachment stands. */
  gap(): void;
}

/** What travels to one receiver. */
export type Parcel =
  | { readonly type: 'frame'; readonly frame: string }
  | { readonly type: 'foreign'; readonly message: ForeignText };

/** One node's line to the broker and back. */
export class Port {
  readonly slot: number;
  client: Attached | undefined;
  attached = false;
  /** Changes with every new session: what was under way for an older one is lost. */
  session = 0;
  /** While the node is away the broker keeps what is published, for a session that is resumed. */
  keeps: Parcel[] | undefined;
  upBlockedUntilMs = 0;
  downBlockedUntilMs = 0;
  upCloggedUntilMs = 0;
  downCloggedUntilMs = 0;
  /** What has arrived at a clogged line; with a bound, the oldest is dropped. */
  held: Parcel[] | undefined;
  heldLimit: number = Number.POSITIVE_INFINITY;
  burstUntilMs = 0;
  /** Its node speaks a later version of the protocol, which the others cannot read. */
  isNewer = false;
  burstLoss = 0.8;
  lastUpMs = 0;
  lastDownMs = 0;

  constructor(slot: number) {
    this.slot = slot;
  }
}
