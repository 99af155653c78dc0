import type { Origin } from './message.ts';
import { Sequence } from './sequence.ts';

/** What a node knows of one other incarnation. About 300 bytes. */
export class Peer {
  readonly origin: Origin;
  readonly sequence: Sequence;
  /** The newest beat number heard of it, directly or from others: what my digest echoes. */
  lastBeat = 0;
  /** When it was last known to be alive, on my monotonic clock. */
  aliveAtMs: number;
  /** Has been heard itself. */
  direct = false;
  /** It requires my proof: it has listed me (MEM-3). */
  listsMe = false;
  /** It speaks a later version: required, never proven (VER-1). */
  opaque = false;
  /** The lowest number that it holds back. */
  held: number = Number.POSITIVE_INFINITY;
  /** Its last number, once it has said bye. */
  final: number | undefined;
  /** The regions that it may publish to; `undefined` means all. */
  regions: readonly string[] | undefined;
  features: readonly string[] = [];
  /** The local time up to which I have provably heard all of it. */
  provenAtMs: number = Number.NEGATIVE_INFINITY;
  /** The repair request under way. */
  nack: { dueAtMs: number; tries: number } | undefined;
  /** Echoes that count as soon as the numbers up to `seq` are complete: the oldest and the newest. */
  #echoes: { readonly atMs: number; readonly seq: number }[] = [];

  constructor(origin: Origin, aliveAtMs: number, contig = 0) {
    this.origin = origin;
    this.aliveAtMs = aliveAtMs;
    this.sequence = new Sequence(contig);
  }

  /** A beat with number `seq` has echoed the beat that I sent at `atMs` (BEAT-3). */
  echoed(atMs: number, seq: number): void {
    const oldest = this.#echoes[0];
    // The oldest stays: under a steady stream the newest alone would never be complete.
    this.#echoes = oldest === undefined ? [{ atMs, seq }] : [oldest, { atMs, seq }];
    this.settleEchoes();
  }

  /** Turns complete echoes into proof. */
  settleEchoes(): void {
    while (this.#echoes[0] !== undefined && this.#echoes[0].seq <= this.sequence.contig) {
      this.provenAtMs = Math.max(this.provenAtMs, this.#echoes[0].atMs);
      this.#echoes.shift();
    }
  }

  forgetProof(): void {
    this.#echoes = [];
    this.provenAtMs = Number.NEGATIVE_INFINITY;
    this.listsMe = false;
  }

  mayPublishTo(region: string): boolean {
    return this.regions === undefined || this.regions.includes(region);
  }

  /** Numbers are known to be missing that it does not hold back. */
  get hasGap(): boolean {
    return this.sequence.missing(1, this.held).length > 0;
  }
}
