import type { Barrier } from './barrier.ts';
import type { Cause } from './effect.ts';
import type { Host } from './host.ts';
import { LIMITS } from './limits.ts';
import type { Members } from './members.ts';
import type { NegativeAck, Origin, Range } from './message.ts';
import type { Peer } from './peer.ts';
import { RepairRequests } from './repair-requests.ts';
import { isEmptySelection, type Selection } from './selection.ts';

/** What else an `inv` or a `rep` says of its publisher's numbers. */
export interface BatchNote {
  /** Up to here everything is published. */
  readonly published: number;
  readonly wallMs?: number;
  readonly repair?: boolean;
  readonly traceparent?: string;
}

/** The numbers of peers: applied, accounted, missed, asked for, proven, and at last given up. */
export class Inbound {
  readonly #host: Host;
  readonly #members: Members;
  readonly #barrier: Barrier;
  readonly #requests: RepairRequests;

  constructor(host: Host, members: Members, barrier: Barrier) {
    this.#host = host;
    this.#members = members;
    this.#barrier = barrier;
    this.#requests = new RepairRequests(host);
  }

  /** One batch or the union of a range: applied first, accounted second (RX-1). */
  batch(origin: Origin, range: Range, selection: Selection, note: BatchNote): void {
    const [low, high] = range;
    const { departures } = this.#members;
    const gone =
      this.#members.get(origin) === undefined && !departures.isNews(origin, { seq: high });
    const peer = gone ? undefined : this.#members.heard(origin);
    if (peer === undefined) {
      // It cannot be accounted; to apply what may be new is always right.
      if (departures.isBeyond(origin, high)) this.#apply(origin, selection, note);
      else this.#host.counters.duplicates += 1;
      return;
    }
    const missing = peer.request === undefined ? 0 : peer.sequence.missingCount;
    const fresh = peer.sequence.see(low, high);
    if (fresh || !this.#host.settings.protections.dedup) this.#apply(origin, selection, note);
    else this.#host.counters.duplicates += 1;
    if (note.repair === true && missing > 0) {
      this.#host.counters.repaired += Math.max(0, missing - peer.sequence.missingCount);
    }
    this.announced(peer, note.published);
  }

  /** `peer` has published everything up to `seq`, by its own word or by that of others (RX-4). */
  announced(peer: Peer, seq: number): void {
    peer.sequence.announce(seq);
    this.#bridge(peer);
    this.#account(peer, 'repair');
  }

  /** What was heard of its numbers above `seq` was not its own word: it counts for nothing. */
  startOver(peer: Peer, seq: number): void {
    this.#host.counters.fenced += 1;
    this.fence(peer, 'loss');
    peer.sequence.rewind(seq);
  }

  /** `origin` has published its last number (MEM-4). */
  bye(origin: Origin, final: number): void {
    const peer = this.#members.get(origin);
    if (peer === undefined) {
      if (this.#members.departures.departed(origin, final)) {
        this.#host.emit({ type: 'fence', regions: 'all', cause: { by: 'loss', origin } });
      }
      return;
    }
    peer.final = Math.max(final, peer.sequence.contig);
    this.#barrier.left(origin, this.#members);
    this.announced(peer, final);
  }

  /** Another node has asked for what this one may miss, too. */
  overheard(nack: NegativeAck): void {
    const peer = this.#members.get(nack.publisher);
    if (peer !== undefined) this.#requests.overheard(peer, nack);
  }

  /** Something may have been missed: known gaps are asked for again; beats will tell of others (MEM-7). */
  checkGaps(): void {
    for (const peer of this.#members.all()) this.#requests.again(peer, this.#members.nodes);
  }

  tick(me: Origin): void {
    for (const peer of this.#members.all()) {
      if (this.#requests.tick(peer, me) === 'exhausted') this.#giveUp(peer);
    }
  }

  get dueAtMs(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const peer of this.#members.all()) due = Math.min(due, peer.request?.dueAtMs ?? due);
    return due;
  }

  /** It may have published what was not heard: everything of its regions that was loaded before now. */
  fence(peer: Peer, by: Cause['by']): void {
    const cause: Cause = { by, origin: peer.origin };
    this.#host.emit({ type: 'fence', regions: peer.regions ?? 'all', cause });
  }

  /**
   * A newborn fences instead of asking for a history that it never cached (RX-5), and so does anybody for
   * a jump that is too large to repair (RX-6).
   */
  #bridge(peer: Peer): void {
    const { sequence } = peer;
    const newborn = sequence.contig === 0 && !this.#members.settled;
    const jump = sequence.published - sequence.contig;
    if (jump <= (newborn ? 0 : LIMITS.sequenceJump)) return;
    if (!newborn) this.#host.counters.fenced += 1;
    this.fence(peer, 'loss');
    sequence.adopt();
  }

  #apply(origin: Origin, selection: Selection, note: BatchNote): void {
    if (isEmptySelection(selection)) return;
    const cause: Cause = {
      by: note.repair === true ? 'repair' : 'peer',
      origin,
      ...(note.wallMs === undefined ? {} : { wallMs: note.wallMs }),
      ...(note.traceparent === undefined ? {} : { traceparent: note.traceparent }),
    };
    this.#host.emit({ type: 'apply', selection, cause });
  }

  /** Looks what is missing of `peer` now, and what its numbers prove. */
  #account(peer: Peer, by: 'repair' | 'fence'): void {
    if (peer.sequence.hasGap) this.#requests.arm(peer, this.#members.nodes);
    else if (peer.request !== undefined) {
      const { tries } = peer.request;
      peer.request = undefined;
      if (tries > 0) {
        const { origin } = peer;
        this.#host.emit({ type: 'report', report: { type: 'gap-closed', origin, by } });
      }
    }
    if (peer.settleEchoes()) this.#members.changed();
    const { final } = peer;
    if (final !== undefined && peer.sequence.contig >= final) this.#members.remove(peer, 'bye');
  }

  /** Nobody has answered: what may have been missed is fenced (NACK-4). */
  #giveUp(peer: Peer): void {
    this.#host.counters.fenced += 1;
    this.fence(peer, 'loss');
    peer.sequence.adopt();
    this.#account(peer, 'fence');
  }
}
