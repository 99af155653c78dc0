import type { Selection } from './selection.ts';

/** The major version of the wire format that this code speaks. */
export const WIRE_VERSION = 1;

/** `"<label>/<epoch>"`: one incarnation of a node. Compared for equality only; epochs have no order. */
export type Origin = string;

/** An inclusive range of sequence numbers. */
export type Range = readonly [low: number, high: number];

/**
 * A stretch of the members in the order of their code units, as a circle: those after the first origin,
 * up to and including the second. All of them, where both are the same.
 */
export type Part = readonly [after: Origin, last: Origin];

/** One decoded protocol unit. The letters of the wire format are in docs/protocol.md. */
export type Message =
  | Invalidation
  | Beat
  | NegativeAck
  | Repair
  | Acks
  | Bye
  | { readonly type: 'unknown'; readonly origin: Origin };

/** `inv`: one numbered batch, or several that became one before they were sent. */
export interface Invalidation {
  readonly type: 'inv';
  readonly origin: Origin;
  readonly seq: number;
  /** The lowest number, where it stands for several up to `seq`. */
  readonly low?: number;
  readonly selection: Selection;
  /** Every receiver is asked to acknowledge at once (BAR-1). */
  readonly ackWanted: boolean;
  /** The lowest number below `seq` that is reserved or gathered and not published yet (PUB-8). */
  readonly held?: number;
  /** Milliseconds since the epoch on the publisher's clock; for people and figures only. */
  readonly wallMs?: number;
  /** The id of the foreign message that this batch adopts (FOR-3). */
  readonly via?: string;
  /** Whose doing it is, for tracing: a W3C `traceparent`. */
  readonly traceparent?: string;
}

/** `beat`: heartbeat, digest, echo, acknowledgement and membership in one. */
export interface Beat {
  readonly type: 'beat';
  readonly origin: Origin;
  /** The highest number assigned, reserved ones included. */
  readonly seq: number;
  /** The lowest number that is reserved or gathered and not published yet (PUB-8). */
  readonly held?: number;
  readonly beat: number;
  /** The origin knows whom to require (MEM-2). */
  readonly settled: boolean;
  /** Asks for beats: of everybody, or only of `asked`. */
  readonly joining: boolean;
  readonly asked?: Origin;
  /** Regions that the origin may publish to; absent means all. */
  readonly regions?: readonly string[];
  /** Absent in a thin beat. */
  readonly digest?: ReadonlyMap<Origin, DigestEntry>;
  /** Where the digest is not complete: the part of the members of which it lists all. */
  readonly part?: Part;
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
  /** The highest number up to which it knows that everything is published. */
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
  /** The highest number assigned, reserved ones included. */
  readonly seq: number;
  /** The lowest number that is reserved or gathered and not published yet (PUB-8). */
  readonly held?: number;
  readonly selection: Selection;
  /** Somebody waits for acknowledgements of what it repeats (BAR-1). */
  readonly ackWanted: boolean;
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
