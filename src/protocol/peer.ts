import { Coverage } from './coverage.ts';
import { LIMITS } from './limits.ts';
import type { Beat, Origin } from './message.ts';
import { Sequence } from './sequence.ts';

/** A beat of the peer that counts as proof once everything that it speaks of has been heard. */
interface Echo {
  /** The local time at which I had sent the beat that it echoes. */
  readonly atMs: number;
  /** The peer's highest number when it echoed. */
  readonly seq: number;
  /** The number of the peer's own beat. */
  readonly beat: number;
}

/** A repair request under way. */
export interface Request {
  dueAtMs: number;
  /** How often it was asked for, by whomever. */
  tries: number;
  /** When it was asked for last. */
  askedAtMs: number;
  /** How many missing numbers have been counted as lost. */
  counted: number;
}

/** What a node knows of one other incarnation. About 500 bytes. */
export class Peer {
  readonly origin: Origin;
  readonly sequence: Sequence;
  readonly coverage: Coverage = new Coverage();
  readonly admittedAtMs: number;
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
  /** Its last number, once it has said bye. */
  final: number | undefined;
  features: readonly string[] = [];
  config: Beat['config'];
  #shards: number | undefined;
  /** The local time up to which I have provably heard all of it. */
  provenAtMs: number = Number.NEGATIVE_INFINITY;
  request: Request | undefined;
  /** What its newest beat said of its numbers. */
  #told = { beat: 0, seq: 0 };
  #regions: readonly string[] | undefined;
  #regionsKnown = false;
  /** The oldest echo that does not count yet, and the newest. */
  #echoes: readonly Echo[] = [];

  constructor(
    origin: Origin,
    options: { readonly aliveAtMs: number; readonly admittedAtMs: number; readonly contig: number },
  ) {
    this.origin = origin;
    this.aliveAtMs = options.aliveAtMs;
    this.admittedAtMs = options.admittedAtMs;
    this.sequence = new Sequence(options.contig);
  }

  /**
   * Numbers never go back: a beat that says less than an earlier one, or far less than was heard, means
   * that somebody else has spoken in its name. Takes note of the beat.
   */
  contradictsItself({ beat, seq }: { readonly beat: number; readonly seq: number }): boolean {
    if (beat <= this.#told.beat) return false;
    const less = seq < this.#told.seq || seq + LIMITS.sequenceJump < this.sequence.contig;
    this.#told = { beat, seq };
    return less;
  }

  /** The regions that it may publish to; `undefined` means all. */
  get regions(): readonly string[] | undefined {
    return this.#regions;
  }

  /**
   * Regions hold for the life of an incarnation: one that changes its word is taken to mean all.
   * `true` if that is news.
   */
  saysRegions(regions: readonly string[] | undefined): boolean {
    const same =
      regions?.length === this.#regions?.length &&
      (regions ?? []).every((region) => this.#regions?.includes(region) === true);
    if (same) {
      this.#regionsKnown = true;
      return false;
    }
    this.#regions = this.#regionsKnown ? undefined : regions;
    this.#regionsKnown = true;
    return true;
  }

  /** Among how many channels it divides the regions; `undefined` until it has told. */
  get shards(): number | undefined {
    return this.#shards;
  }

  /** That number holds for the life of an incarnation, too: 0 for one that changes its word. `true` if that is news. */
  saysShards(shards: number): boolean {
    const before = this.#shards;
    if (before === undefined) this.#shards = shards;
    else if (before !== shards) this.#shards = 0;
    return this.#shards !== before;
  }

  mayPublishTo(region: string): boolean {
    return this.#regions === undefined || this.#regions.includes(region);
  }

  /** Numbers are known to be missing. */
  get hasGap(): boolean {
    return this.sequence.hasGap;
  }

  /** Its beat has echoed a beat that I sent at `atMs` (BEAT-3). */
  echoed(echo: Echo): void {
    const [oldest, newest] = this.#echoes;
    if (oldest === undefined) this.#echoes = [echo];
    // The oldest stays: under a steady stream the newest alone would never be complete.
    else if (echo.atMs > (newest ?? oldest).atMs) this.#echoes = [oldest, echo];
  }

  /** Turns echoes whose numbers are complete into proof; `true` if that made it newer. */
  settleEchoes(): boolean {
    const before = this.provenAtMs;
    for (let [echo] = this.#echoes; echo !== undefined; [echo] = this.#echoes) {
      const complete = echo.seq <= this.sequence.contig && echo.beat <= this.coverage.completeSince;
      if (!complete) break;
      this.provenAtMs = Math.max(this.provenAtMs, echo.atMs);
      this.#echoes = this.#echoes.slice(1);
    }
    return this.provenAtMs > before;
  }

  /** What it has echoed was not mine. */
  forgetProof(): void {
    this.#echoes = [];
    this.provenAtMs = Number.NEGATIVE_INFINITY;
    this.listsMe = false;
  }
}
