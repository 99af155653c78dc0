import type { Selection } from './selection.ts';

/** The major version of the wire format that this code speaks. */
export const WIRE_VERSION = 1;

/** `"<label>/<epoch>"`: one incarnation of a node. Compared for equality only; epochs have no order. */
export type Origin = string;

/** An inclusive range of sequence numbers. */
export type Range = readonly [low: number, high: number];

/** One decoded protocol unit. The letters of the wire format are in docs/protocol.md. */
export type Message =
  | Invalidation
  | Beat
  | NegativeAck
  | Repair
  | Acks
  | Bye
  | { readonly type: 'unknown'; readonly origin: Origin };

/** `inv`: one numbered batch. */
export interface Invalidation {
  readonly type: 'inv';
  readonly origin: Origin;
  readonly seq: number;
  readonly selection: Selection;
  /** Every receiver is asked to acknowledge at once (BAR-1). */
  readonly ackWanted: boolean;
  /** The lowest number that is reserved or gathered and not published yet (PUB-8). */
  readonly held?: number;
  /** Milliseconds since the epoch on the publisher's clock; for people and figures only. */
  readonly wallMs?: number;
  /** The id of the foreign message that this batch adopts (FOR-3). */
  readonly via?: string;
}

/** `beat`: heartbeat, digest, echo, acknowledgement and membership in one. */
export interface Beat {
  readonly type: 'beat';
  readonly origin: Origin;
  /** The highest number assigned, reserved ones included. */
  readonly seq: number;
  readonly held?: number;
  readonly beat: number;
  readonly settled: boolean;
  readonly joining: boolean;
  /** Regions that the origin may publish to; absent means all. */
  readonly regions?: readonly string[];
  /** Absent in a thin beat. */
  readonly digest?: ReadonlyMap<Origin, DigestEntry>;
  /** How many peers the origin requires: larger than the digest when that rotates. */
  readonly required?: number;
  /** Members that said bye, with their final number. */
  readonly departed?: ReadonlyMap<Origin, number>;
  /** The origin's staleness bound and mean beat interval in ms. */
  readonly config?: { readonly maxStalenessMs: number; readonly beatIntervalMs: number };
  readonly features: readonly string[];
}

export interface DigestEntry {
  /** The highest number below which the lister has heard all of the listed. */
  readonly contig: number;
  /** The newest beat number that it has heard from the listed. */
  readonly beat: number;
  /** How long ago that was, in ms; 0 where it was recent. */
  readonly ageMs: number;
  /** The highest number that it knows of. */
  readonly max: number;
}

/** `nack`: a request to repeat what is missing. */
export interface NegativeAck {
  readonly type: 'nack';
  readonly origin: Origin;
  readonly publisher: Origin;
  readonly ranges: readonly Range[];
}

/** `rep`: the union of a range of batches, possibly folded to regions or to everything. */
export interface Repair {
  readonly type: 'rep';
  readonly origin: Origin;
  readonly range: Range;
  readonly seq: number;
  readonly selection: Selection;
}

/** `ack`: cumulative acknowledgements. */
export interface Acks {
  readonly type: 'ack';
  readonly origin: Origin;
  readonly acks: ReadonlyMap<Origin, number>;
}

/** `bye`: the origin has published its last number. */
export interface Bye {
  readonly type: 'bye';
  readonly origin: Origin;
  readonly seq: number;
}
