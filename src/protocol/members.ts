import type { Host } from './host.ts';
import { LIMITS } from './limits.ts';
import type { Beat, DigestEntry, Origin } from './message.ts';
import { Peer } from './peer.ts';

/** What is remembered of an incarnation that is gone, so that hearsay does not bring it back (MEM-1). */
interface Tombstone {
  readonly atMs: number;
  readonly lastBeat: number;
  readonly contig: number;
  /** Its last number, if it said bye: then it is gone for good. */
  readonly final: number | undefined;
}

/** Departures that one beat passes on; the newest first. */
const TOLD_DEPARTURES = 8;

/**
 * Whom this node requires before it trusts what it has heard: everybody heard directly or listed by
 * somebody, until they say bye, are superseded, or have not been heard for D.
 */
export class Members {
  readonly #host: Host;
  readonly #startedAtMs: number;
  readonly #peers = new Map<Origin, Peer>();
  readonly #tombstones = new Map<Origin, Tombstone>();
  /** Whom a settled peer has listed while this node was not settled: its list may rotate. */
  readonly #listedBy = new Map<Origin, Set<Origin>>();
  #overfull = false;
  settled = false;
  ready = false;

  constructor(host: Host) {
    this.#host = host;
    this.#startedAtMs = host.now.monoMs;
  }

  /** Peers that are required. */
  get size(): number {
    return this.#peers.size;
  }

  /** All nodes, this one included. */
  get nodes(): number {
    return this.#peers.size + 1;
  }

  all(): Iterable<Peer> {
    return this.#peers.values();
  }

  get(origin: Origin): Peer | undefined {
    return this.#peers.get(origin);
  }

  /** Whether something newer was heard of a departed origin than when it departed. */
  isNews(origin: Origin, what: { readonly beat?: number; readonly seq?: number }): boolean {
    const tombstone = this.#tombstones.get(origin);
    if (tombstone === undefined) return true;
    if (tombstone.final !== undefined) return false;
    return (what.beat ?? 0) > tombstone.lastBeat || (what.seq ?? 0) > tombstone.contig;
  }

  /** The peer that was heard itself. `undefined`: there is no room for it, and so no proof of anything. */
  heard(origin: Origin): Peer | undefined {
    const peer = this.#peers.get(origin) ?? this.#admit(origin, this.#host.now.monoMs);
    if (peer === undefined) return undefined;
    peer.aliveAtMs = this.#host.now.monoMs;
    peer.direct = true;
    return peer;
  }

  /** A peer that somebody lists. Hearsay carries its age, so that a dead node's silence is not cut short (MEM-1). */
  hearsay(origin: Origin, entry: DigestEntry): Peer | undefined {
    const { forgetAfterMs } = this.#host.settings;
    const aliveAtMs = this.#host.now.monoMs - entry.ageMs;
    const known = this.#peers.get(origin);
    if (known === undefined) {
      if (entry.ageMs >= forgetAfterMs || !this.isNews(origin, { beat: entry.beat }))
        return undefined;
      const peer = this.#admit(origin, aliveAtMs);
      if (peer !== undefined) peer.lastBeat = entry.beat;
      return peer;
    }
    if (entry.beat > known.lastBeat) {
      known.lastBeat = entry.beat;
      known.aliveAtMs = Math.max(known.aliveAtMs, aliveAtMs);
    }
    return known;
  }

  /** Takes a peer out. What it may have published must be applied or fenced by now. */
  remove(peer: Peer, why: 'bye' | 'silence' | 'superseded'): void {
    this.#peers.delete(peer.origin);
    this.#listedBy.delete(peer.origin);
    if (this.#peers.size < LIMITS.peers) this.#overfull = false;
    const { lastBeat, sequence } = peer;
    const final = why === 'bye' ? (peer.final ?? sequence.contig) : undefined;
    this.#bury(peer.origin, {
      lastBeat,
      contig: sequence.contig,
      final,
      atMs: this.#host.now.monoMs,
    });
    this.#host.emit({
      type: 'report',
      report: { type: 'member-left', origin: peer.origin, why },
    });
  }

  /** Remembers a departure that was only heard of. */
  buryUnknown(origin: Origin, final: number): void {
    const known = this.#tombstones.get(origin);
    if (known?.final !== undefined) return;
    const { monoMs } = this.#host.now;
    this.#bury(origin, { lastBeat: Number.MAX_SAFE_INTEGER, contig: final, final, atMs: monoMs });
  }

  /** Members that said bye within 2 D, the newest first (MEM-4). */
  departed(): ReadonlyMap<Origin, number> {
    const oldest = this.#host.now.monoMs - 2 * this.#host.settings.forgetAfterMs;
    const told = new Map<Origin, number>();
    const newestFirst = [...this.#tombstones].toReversed();
    for (const [origin, { final, atMs }] of newestFirst) {
      if (told.size >= TOLD_DEPARTURES) break;
      if (final !== undefined && atMs >= oldest) told.set(origin, final);
    }
    return told;
  }

  /** What my beat says of a peer. */
  entry(peer: Peer, recentMs: number): DigestEntry {
    const ageMs = this.#host.now.monoMs - peer.aliveAtMs;
    return {
      contig: peer.sequence.contig,
      beat: peer.lastBeat,
      ageMs: ageMs > recentMs ? ageMs : 0,
      max: peer.sequence.max,
    };
  }

  /** Looks whether this node now knows whom it must require (MEM-2), and is required by all of them (MEM-3). */
  review(beat?: Beat, me?: Origin): void {
    const { settings, now } = this.#host;
    if (!this.settled) {
      if (beat !== undefined && me !== undefined && this.#listsEverybody(beat, me))
        this.#settle('peer');
      else if (this.#expectedAreHere()) this.#settle('expected');
      else if (now.monoMs - this.#startedAtMs >= settings.forgetAfterMs) this.#settle('time');
    }
    if (!this.settled || this.ready) return;
    const { readyRule } = settings.protections;
    for (const peer of this.#peers.values()) if (readyRule && !peer.listsMe) return;
    this.ready = true;
    this.#host.emit({ type: 'report', report: { type: 'ready' } });
  }

  /** The local time up to which everything published to `region` has been applied here (BEAT-5). */
  proofMs(region: string): number {
    if (this.#overfull) return Number.NEGATIVE_INFINITY;
    if (!this.settled && this.#host.settings.protections.settledRule)
      return Number.NEGATIVE_INFINITY;
    let proof = Number.POSITIVE_INFINITY;
    for (const peer of this.#peers.values()) {
      if (peer.mayPublishTo(region))
        proof = Math.min(proof, peer.opaque ? Number.NEGATIVE_INFINITY : peer.provenAtMs);
    }
    return proof;
  }

  #admit(origin: Origin, aliveAtMs: number): Peer | undefined {
    if (this.#peers.size >= LIMITS.peers) {
      this.#overfull = true;
      return undefined;
    }
    const tombstone = this.#tombstones.get(origin);
    this.#tombstones.delete(origin);
    const peer = new Peer(origin, aliveAtMs, tombstone?.contig ?? 0);
    this.#peers.set(origin, peer);
    this.#host.emit({ type: 'report', report: { type: 'member-joined', origin } });
    return peer;
  }

  #bury(origin: Origin, tombstone: Tombstone): void {
    this.#tombstones.delete(origin);
    this.#tombstones.set(origin, tombstone);
    if (this.#tombstones.size <= LIMITS.tombstones) return;
    const [oldest] = this.#tombstones.keys();
    if (oldest !== undefined) this.#tombstones.delete(oldest);
  }

  /**
   * What was loaded before is not proven by anybody: its writer may have died unheard, and be forgotten
   * by all who knew it. So it is dropped, and proof begins with what is loaded from here on.
   */
  #settle(by: 'peer' | 'expected' | 'time'): void {
    this.settled = true;
    this.#listedBy.clear();
    if (this.#host.settings.protections.settledRule)
      this.#host.emit({ type: 'fence', regions: 'all', cause: { by: 'silence' } });
    this.#host.emit({ type: 'report', report: { type: 'settled', by } });
  }

  /** A settled peer lists me, and I have heard of everybody whom it requires. */
  #listsEverybody(beat: Beat, me: Origin): boolean {
    if (!beat.settled || beat.digest === undefined) return false;
    const listed = this.#listedBy.get(beat.origin) ?? new Set<Origin>();
    if (this.#listedBy.size < LIMITS.peers) this.#listedBy.set(beat.origin, listed);
    for (const origin of beat.digest.keys()) {
      if (listed.size <= LIMITS.peers) listed.add(origin);
    }
    return listed.has(me) && listed.size >= (beat.required ?? beat.digest.size);
  }

  #expectedAreHere(): boolean {
    const { expectedNodes } = this.#host.settings;
    if (expectedNodes === undefined) return false;
    let direct = 1;
    for (const peer of this.#peers.values()) if (peer.direct) direct += 1;
    return direct >= expectedNodes;
  }
}
