import type { Host } from './host.ts';
import { LIMITS } from './limits.ts';
import type { Beat, DigestEntry, Origin } from './message.ts';
import { labelOf } from './origin-label.ts';
import { forgetAfterInForceMs } from './pace.ts';
import { Peer } from './peer.ts';
import { EVERY_REGION } from './selection.ts';
import { Tombstones } from './tombstones.ts';

/**
 * Whom this node requires before it trusts what it has heard: everybody heard directly or listed by
 * somebody, until they say bye, are superseded, or have not been heard for D.
 */
export class Members {
  readonly #host: Host;
  readonly #peers = new Map<Origin, Peer>();
  readonly #tombstones: Tombstones;
  /** Since when this node looks for the others; `undefined` before the bus was open. */
  #searchedSinceMs: number | undefined;
  /** The local time since when the bus is away. */
  #awaySinceMs: number | undefined;
  /** What the other shards of this node allow to trust; without others, everything. */
  #elsewhereMs: number;
  /** When somebody was last refused for want of room. */
  #refusedAtMs = Number.NEGATIVE_INFINITY;
  #revision = 0;
  #settled = false;
  #ready = false;

  constructor(host: Host) {
    this.#host = host;
    this.#tombstones = new Tombstones(host);
    this.#awaySinceMs = host.now.localMs;
    this.#elsewhereMs = (host.settings.shards ?? 1) === 1 ? Infinity : -Infinity;
  }

  /** Knows whom to require (MEM-2). */
  get settled(): boolean {
    return this.#settled;
  }

  /** Is required by all whom it requires (MEM-3). */
  get ready(): boolean {
    return this.#ready;
  }

  /** Nobody who may hold what this node publishes can be unknown to it: neither here nor on its other channels. */
  get knowsAll(): boolean {
    return this.#settled && this.#elsewhereMs > Number.NEGATIVE_INFINITY;
  }

  /** Nobody is known who divides the regions among another number of channels (VER-3). */
  get alike(): boolean {
    for (const peer of this.#peers.values()) if (this.isUnlike(peer)) return false;
    return true;
  }

  /** Peers that are required. */
  get size(): number {
    return this.#peers.size;
  }

  /** All nodes, this one included. */
  get nodes(): number {
    return this.#peers.size + 1;
  }

  /** D: how long a peer may not be heard before it is forgotten, in ms. */
  get forgetAfterMs(): number {
    return forgetAfterInForceMs(this.#host.settings, this.nodes);
  }

  /** Changes whenever a proof may have changed. */
  get revision(): number {
    return this.#revision;
  }

  all(): Iterable<Peer> {
    return this.#peers.values();
  }

  get(origin: Origin): Peer | undefined {
    return this.#peers.get(origin);
  }

  get departures(): Tombstones {
    return this.#tombstones;
  }

  /** The peer that was heard itself. `undefined`: there is no room for it, and so no proof of anything. */
  heard(origin: Origin): Peer | undefined {
    const { monoMs } = this.#host.now;
    const peer = this.#peers.get(origin) ?? this.#admit(origin, monoMs);
    if (peer === undefined) return undefined;
    peer.aliveAtMs = monoMs;
    peer.direct = true;
    return peer;
  }

  /** A peer that somebody lists. Hearsay carries its age, so that a dead node's silence is not cut short (MEM-1). */
  hearsay(origin: Origin, entry: DigestEntry): Peer | undefined {
    const aliveAtMs = this.#host.now.monoMs - entry.ageMs;
    const known = this.#peers.get(origin);
    if (known === undefined) {
      if (entry.ageMs >= this.forgetAfterMs || this.#isFormerSelf(origin)) return undefined;
      if (!this.#tombstones.isNews(origin, { beat: entry.beat })) return undefined;
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

  /** It has told that it divides the regions among another number of channels: required, never proven (VER-3). */
  isUnlike({ shards }: Peer): boolean {
    return shards !== undefined && shards !== (this.#host.settings.shards ?? 1);
  }

  /** What the other shards of this node allow from now on. */
  allowElsewhere(provenAtMs: number): void {
    if (provenAtMs === this.#elsewhereMs) return;
    this.#elsewhereMs = provenAtMs;
    this.#revision += 1;
  }

  /** Takes a peer out. What it may have published must be applied or fenced by now. */
  remove(peer: Peer, why: 'bye' | 'silence' | 'superseded'): void {
    this.#peers.delete(peer.origin);
    this.#revision += 1;
    // It may have published what concerns my regions where I do not listen.
    if (why === 'bye' && (peer.shards === undefined || this.isUnlike(peer))) {
      const cause = { by: 'loss', origin: peer.origin } as const;
      this.#host.emit({ type: 'fence', regions: 'all', cause });
    }
    this.#tombstones.bury(peer.origin, {
      lastBeat: peer.lastBeat,
      contig: peer.sequence.contig,
      final: why === 'bye' ? (peer.final ?? peer.sequence.contig) : undefined,
    });
    this.#host.emit({
      type: 'report',
      report: { type: 'member-left', origin: peer.origin, why },
    });
  }

  /** What my beat says of a peer. */
  entry(peer: Peer, recentMs: number): DigestEntry {
    const ageMs = this.#host.now.monoMs - peer.aliveAtMs;
    return {
      contig: peer.sequence.contig,
      beat: peer.lastBeat,
      ageMs: ageMs > recentMs ? ageMs : 0,
      max: peer.sequence.published,
    };
  }

  /** The smallest mean interval between beats that a peer has announced, in ms. */
  get announcedIntervalMs(): number {
    let announced = Number.POSITIVE_INFINITY;
    for (const { config } of this.#peers.values()) {
      if (config !== undefined) announced = Math.min(announced, config.beatIntervalMs);
    }
    return announced;
  }

  /** The bus is there. */
  attached(): void {
    this.#searchedSinceMs ??= this.#host.now.monoMs;
    this.#awaySinceMs = undefined;
    this.#revision += 1;
  }

  /** The bus is away: of what is published from here on nothing is known. */
  detached(): void {
    this.#awaySinceMs ??= this.#host.now.localMs;
    this.#revision += 1;
  }

  /** What is known of a peer's proof, or who is required, has changed. */
  changed(): void {
    this.#revision += 1;
  }

  /** By now the others have forgotten this node, and it does not know who has joined meanwhile: it starts over. */
  rejoin(): void {
    this.#searchedSinceMs = this.#host.now.monoMs;
    for (const peer of this.#peers.values()) {
      peer.listsMe = false;
      peer.direct = false;
    }
    this.#ready = false;
    this.#settled = false;
    this.#revision += 1;
    this.#host.emit({ type: 'report', report: { type: 'rejoining' } });
  }

  /** Nobody requires this node under its new origin yet. */
  renamed(): void {
    for (const peer of this.#peers.values()) peer.forgetProof();
    this.#ready = false;
    this.#revision += 1;
  }

  /** A settled peer lists this node, and has told its whole list: all of them are required here now (MEM-2 a). */
  listed(peer: Peer, beat: Beat): void {
    if (this.#settled || !beat.settled) return;
    if (peer.listsMe && peer.coverage.completeSince > 0) this.#settle('peer');
  }

  /** Looks whether this node now knows whom it must require (MEM-2), and is required by all of them (MEM-3). */
  review(): void {
    const { settings, now } = this.#host;
    if (!this.#settled) {
      const searchedMs = now.monoMs - (this.#searchedSinceMs ?? Number.POSITIVE_INFINITY);
      if (this.#expectedAreHere()) this.#settle('expected');
      else if (searchedMs >= this.forgetAfterMs) this.#settle('time');
    }
    if (!this.#settled || this.#ready) return;
    const { readyRule } = settings.protections;
    for (const peer of this.#peers.values()) if (readyRule && !peer.listsMe) return;
    this.#ready = true;
    this.#host.emit({ type: 'report', report: { type: 'ready' } });
  }

  /**
   * The local time up to which everything published to `region` has been applied here (BEAT-5). The region `*` stands
   * for everything that is published on this channel, whatever the other shards of this node say.
   */
  proofMs(region: string): number {
    const { settings, now } = this.#host;
    const overfull = now.monoMs - this.#refusedAtMs < this.forgetAfterMs;
    if (overfull || (!this.#settled && settings.protections.settledRule)) {
      return Number.NEGATIVE_INFINITY;
    }
    // Who requires nobody has heard everything until now, and not for ever: whoever joins while this process sleeps counts on that.
    let proof = this.#awaySinceMs ?? now.localMs;
    const isEvery = region === EVERY_REGION;
    if (!isEvery) proof = Math.min(proof, this.#elsewhereMs);
    for (const peer of this.#peers.values()) {
      if (!isEvery && !peer.mayPublishTo(region)) continue;
      const never = peer.opaque || this.isUnlike(peer);
      proof = Math.min(proof, never ? Number.NEGATIVE_INFINITY : peer.provenAtMs);
    }
    return proof;
  }

  /**
   * What others still list under my label is what I was before I started: whatever it published, it did before
   * I loaded anything. Requiring it would keep me from being ready until it is forgotten (ID-3).
   */
  #isFormerSelf(origin: Origin): boolean {
    const { uniqueLabel, label } = this.#host.settings;
    return uniqueLabel && origin.startsWith(`${label}/`);
  }

  #admit(origin: Origin, aliveAtMs: number): Peer | undefined {
    const { monoMs } = this.#host.now;
    this.#revision += 1;
    if (this.#peers.size >= LIMITS.peers) {
      this.#refusedAtMs = monoMs;
      return undefined;
    }
    const contig = this.#tombstones.raise(origin);
    const peer = new Peer(origin, { aliveAtMs, admittedAtMs: monoMs, contig });
    this.#peers.set(origin, peer);
    this.#host.emit({ type: 'report', report: { type: 'member-joined', origin } });
    return peer;
  }

  /**
   * What was loaded before is not proven by anybody: its writer may have died unheard, and be forgotten
   * by all who knew it. So it is dropped, and proof begins with what is loaded from here on.
   */
  #settle(by: 'peer' | 'expected' | 'time'): void {
    if (this.#host.settings.protections.settledRule)
      this.#host.emit({ type: 'fence', regions: 'all', cause: { by: 'silence' } });
    this.#settled = true;
    this.#revision += 1;
    this.#host.emit({ type: 'report', report: { type: 'settled', by } });
  }

  #expectedAreHere(): boolean {
    const { expectedNodes, uniqueLabel, label } = this.#host.settings;
    if (expectedNodes === undefined) return false;
    // Who lists me lives, and has told whom it requires. The former incarnation of another would count twice.
    const here = new Set([label]);
    let count = 1;
    for (const { origin, listsMe, coverage } of this.#peers.values()) {
      if (!listsMe || coverage.completeSince === 0) continue;
      count += 1;
      here.add(labelOf(origin));
    }
    return (uniqueLabel ? here.size : count) >= expectedNodes;
  }
}
