import type { Effect } from '../../src/protocol/effect.ts';
import { LIMITS } from '../../src/protocol/limits.ts';
import type { Message, Origin, Range } from '../../src/protocol/message.ts';
import type { Peer } from '../../src/protocol/peer.ts';
import { isEmptySelection, type Selection } from '../../src/protocol/selection.ts';
import type { Ledger } from './ledger.ts';
import type { Complain } from './violation.ts';

/** What one node has truly heard of one origin. */
interface Heard {
  /** Numbers that were applied here. */
  readonly covered: Set<number>;
  /** Up to here everything was applied, or fenced. */
  floor: number;
  /** A fence has covered numbers that were not heard, or ranges were forgotten: both may come again. */
  mayRepeat: boolean;
  proven: number;
  /** When something was heard of it, in true time. */
  atMs: number;
}

/** Emissions of beats whose true time is remembered: an echo may wait long for a gap to close. */
const REMEMBERED = 4_096;

/** Watches one node from outside, with knowledge that it cannot have, and compares (I3, I4, I11). */
export class Witness {
  readonly #name: string;
  readonly #complain: Complain;
  readonly #ledgerOf: (origin: Origin) => Ledger | undefined;
  readonly #heard = new Map<Origin, Heard>();
  /** The true time at which this node's clock showed what it noted when it sent a beat. */
  readonly #emissions = new Map<number, number>();

  constructor(options: {
    readonly name: string;
    readonly ledgerOf: (origin: Origin) => Ledger | undefined;
    readonly complain: Complain;
  }) {
    this.#name = options.name;
    this.#ledgerOf = options.ledgerOf;
    this.#complain = options.complain;
  }

  emitted(localMs: number, nowMs: number): void {
    this.#emissions.set(localMs, nowMs);
    if (this.#emissions.size <= REMEMBERED) return;
    for (const oldest of this.#emissions.keys()) {
      this.#emissions.delete(oldest);
      break;
    }
  }

  /** When `origin` was heard last, in true time. */
  heardAtMs(origin: Origin): number {
    return this.#heard.get(origin)?.atMs ?? Number.NEGATIVE_INFINITY;
  }

  /** A step has taken `message` in. */
  took(message: Message, effects: readonly Effect[], nowMs: number): void {
    const heard = this.#of(message.origin);
    heard.atMs = nowMs;
    if (message.type !== 'inv' && message.type !== 'rep') return;
    if (this.#ledgerOf(message.origin)?.isShared === true) return;
    const range: Range =
      message.type === 'inv' ? [message.low ?? message.seq, message.seq] : message.range;
    const { selection } = message;
    const applied = effects.some(
      (effect) => effect.type === 'apply' && isSame(effect.selection, selection),
    );
    if (applied && !heard.mayRepeat && has(heard, range)) {
      this.#complain('I11', `${this.#name} applied ${rangeName(message.origin, range)} twice`);
    }
    if (applied || isEmptySelection(selection)) add(heard, range);
  }

  /** The node has let go of `origin`: what it knew beyond its fences may come again. */
  forgot(origin: Origin): void {
    this.#of(origin).mayRepeat = true;
  }

  /** Compares what the node, which is `me` now, holds of `peer` after a step with what is true. */
  check(
    peer: Peer,
    effects: readonly Effect[],
    now: { readonly me: Origin; readonly nowMs: number },
  ): void {
    const { contig, ranges } = peer.sequence;
    const heard = this.#of(peer.origin);
    if (ranges.length >= LIMITS.outOfOrderRanges) heard.mayRepeat = true;
    const advances = contig > heard.floor;
    const proves = peer.provenAtMs > heard.proven;
    heard.proven = peer.provenAtMs;
    // Most steps change nothing that is known of most peers.
    if (!advances && !proves) return;
    // What is asked of clones is what their readers get (I1, I6), and that they come to rest (I10).
    if (this.#ledgerOf(peer.origin)?.isShared === true) return;
    if (advances) this.#advance(peer, heard, contig, effects);
    // What is echoed to a clone may be the other one's beat.
    if (proves && this.#ledgerOf(now.me)?.isShared !== true) this.#proven(peer, now.nowMs);
  }

  #advance(peer: Peer, heard: Heard, contig: number, effects: readonly Effect[]): void {
    const { origin } = peer;
    const ledger = this.#ledgerOf(origin);
    if (ledger !== undefined && contig > ledger.seq) {
      this.#complain(
        'I3',
        `${this.#name} holds ${contig} of ${origin}, which has assigned ${ledger.seq}`,
      );
    }
    const fence = effects.some(
      (effect) => effect.type === 'fence' && effect.cause.origin === origin,
    );
    if (fence) heard.mayRepeat = true;
    else {
      for (let seq = heard.floor + 1; seq <= contig; seq += 1) {
        if (heard.covered.has(seq)) continue;
        this.#complain(
          'I3',
          `${this.#name} counts ${seq} of ${origin}, which it has never applied`,
        );
      }
    }
    for (let seq = heard.floor + 1; seq <= contig; seq += 1) heard.covered.delete(seq);
    heard.floor = contig;
  }

  /** Lemma 2: everything that was numbered before the moment that is proven has been applied. */
  #proven(peer: Peer, nowMs: number): void {
    const ledger = this.#ledgerOf(peer.origin);
    if (ledger === undefined) return;
    const atMs = this.#emissions.get(peer.provenAtMs) ?? nowMs;
    const before = ledger.seqBefore(atMs);
    if (before <= peer.sequence.contig) return;
    this.#complain(
      'I4',
      `${this.#name} proves ${peer.origin} up to ${atMs.toFixed(1)}, when it had assigned ${before}, and holds ${peer.sequence.contig}`,
    );
  }

  #of(origin: Origin): Heard {
    let heard = this.#heard.get(origin);
    if (heard === undefined) {
      heard = {
        covered: new Set(),
        floor: 0,
        mayRepeat: false,
        proven: Number.NEGATIVE_INFINITY,
        atMs: Number.NEGATIVE_INFINITY,
      };
      this.#heard.set(origin, heard);
    }
    return heard;
  }
}

/** The production shell reads a frame for itself, so that it is not always the same object. */
function isSame(one: Selection, other: Selection): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

function has(heard: Heard, [low, high]: Range): boolean {
  for (let seq = Math.max(low, heard.floor + 1); seq <= high; seq += 1) {
    if (!heard.covered.has(seq)) return false;
  }
  return true;
}

function add(heard: Heard, [low, high]: Range): void {
  for (let seq = Math.max(low, heard.floor + 1); seq <= high; seq += 1) heard.covered.add(seq);
}

function rangeName(origin: Origin, [low, high]: Range): string {
  return low === high ? `number ${low} of ${origin}` : `numbers ${low} to ${high} of ${origin}`;
}
