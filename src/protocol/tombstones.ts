import type { Host } from './host.ts';
import { LIMITS } from './limits.ts';
import type { Origin } from './message.ts';

/** What is remembered of an incarnation that is gone, so that hearsay does not bring it back (MEM-1). */
export interface Tombstone {
  /** The newest of its beats that was heard, directly or from others. */
  readonly lastBeat: number;
  /** Up to here its numbers were applied or fenced. */
  readonly contig: number;
  /** Its last number, if it said bye: then it is gone for good. */
  readonly final: number | undefined;
}

/** Members that are gone. The oldest are forgotten first. */
export class Tombstones {
  readonly #host: Host;
  readonly #stones = new Map<
    Origin,
    Tombstone & { readonly atMs: number; readonly own: boolean }
  >();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Whether something newer was heard of `origin` than when it went; also if it is not known to have gone. */
  isNews(origin: Origin, what: { readonly beat?: number; readonly seq?: number }): boolean {
    const stone = this.#stones.get(origin);
    if (stone === undefined) return true;
    if (stone.final !== undefined) return false;
    return (what.beat ?? 0) > stone.lastBeat || (what.seq ?? 0) > stone.contig;
  }

  /** Whether it has said bye. */
  isFinal(origin: Origin): boolean {
    return this.#stones.get(origin)?.final !== undefined;
  }

  /** Whether number `seq` came after everything that was known of `origin`. */
  isBeyond(origin: Origin, seq: number): boolean {
    return seq > (this.#stones.get(origin)?.contig ?? 0);
  }

  /** A peer of this node has gone. */
  bury(origin: Origin, tombstone: Tombstone): void {
    this.#set(origin, tombstone, true);
  }

  /** It is back; returns up to where its numbers are known. */
  raise(origin: Origin): number {
    const contig = this.#stones.get(origin)?.contig ?? 0;
    this.#stones.delete(origin);
    return contig;
  }

  /**
   * Somebody whom this node does not require has said bye. `true`: it may have published what was never
   * heard here, and nobody will list it any more.
   */
  departed(origin: Origin, final: number): boolean {
    if (this.isFinal(origin)) return false;
    const unheard = this.isBeyond(origin, final);
    this.#set(origin, { lastBeat: Number.MAX_SAFE_INTEGER, contig: final, final }, false);
    return unheard;
  }

  /**
   * Peers that said bye within 2 D, the newest first (MEM-4). What was itself only told is not passed on:
   * it would never come to an end.
   */
  told(): ReadonlyMap<Origin, number> {
    const oldestMs = this.#host.now.monoMs - 2 * this.#host.settings.forgetAfterMs;
    const told = new Map<Origin, number>();
    if (this.#stones.size === 0) return told;
    for (const [origin, { final, atMs, own }] of [...this.#stones].toReversed()) {
      if (told.size >= LIMITS.toldDepartures) break;
      if (own && final !== undefined && atMs >= oldestMs) told.set(origin, final);
    }
    return told;
  }

  #set(origin: Origin, tombstone: Tombstone, own: boolean): void {
    this.#stones.delete(origin);
    this.#stones.set(origin, { ...tombstone, own, atMs: this.#host.now.monoMs });
    if (this.#stones.size <= LIMITS.tombstones) return;
    const [oldest] = this.#stones.keys();
    if (oldest !== undefined) this.#stones.delete(oldest);
  }
}
