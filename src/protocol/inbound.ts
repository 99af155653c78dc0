import type { Barrier } from './barrier.ts';
import type { Cause } from './effect.ts';
import type { Host } from './host.ts';
import { LIMITS } from './limits.ts';
import type { Members } from './members.ts';
import type { Beat, NegativeAck, Origin, Range } from './message.ts';
import type { Peer } from './peer.ts';
import { RepairRequests } from './repair-requests.ts';
import { isEmptySelection, type Selection } from './selection.ts';

/** What else an `inv` or a `rep` says of its publisher's numbers. */
export interface BatchNote {
  readonly held?: number;
  readonly wallMs?: number;
  readonly repair?: boolean;
  /** The publisher's highest number, where the message tells it apart from its own. */
  readonly announced?: number;
}

/** What peers publish: applied, accounted, missed, asked for, proven, and at last given up. */
export class Inbound {
  readonly #host: Host;
  readonly #members: Members;
  readonly #barrier: Barrier;
  readonly #requests: RepairRequests;
  readonly #mismatched = new Set<Origin>();
  /** When silences were last looked at. */
  #checkedAtMs: number;
  /** After a pause the timers run before the socket: nobody is accused until then (MEM-6). */
  #patienceUntilMs: number = Number.NEGATIVE_INFINITY;

  constructor(host: Host, members: Members, barrier: Barrier) {
    this.#host = host;
    this.#members = members;
    this.#barrier = barrier;
    this.#requests = new RepairRequests(host);
    this.#checkedAtMs = host.now.monoMs;
  }

  /** A sign of life without numbers. */
  heard(origin: Origin): void {
    if (this.#members.isNews(origin, {})) this.#members.heard(origin);
  }

  newer(origin: Origin): void {
    const peer = this.#members.heard(origin);
    if (peer === undefined || peer.opaque) return;
    peer.opaque = true;
    this.#host.emit({ type: 'report', report: { type: 'newer-version', origin } });
  }

  /** One batch or the union of a range: applied first, accounted second (RX-1). */
  batch(origin: Origin, [low, high]: Range, selection: Selection, note: BatchNote): void {
    const known = this.#members.get(origin);
    if (known === undefined && !this.#members.isNews(origin, { seq: high })) {
      this.#host.counters.duplicates += 1;
      return;
    }
    const peer = this.#members.heard(origin);
    if (peer === undefined) {
      this.#apply(origin, selection, note);
      return;
    }
    if (note.repair !== true) peer.held = note.held ?? Number.POSITIVE_INFINITY;
    // The publisher vouches for all of a repaired range, however long: only a single batch can be a jump.
    if (note.repair !== true) this.#bridge(peer, low - 1);
    else if (high > peer.sequence.max + LIMITS.sequenceJump) this.#bridge(peer, high);
    const before = missingCount(peer);
    const fresh = peer.sequence.see(low, high);
    if (fresh || !this.#host.settings.protections.dedup) this.#apply(origin, selection, note);
    else this.#host.counters.duplicates += 1;
    if (note.repair === true && fresh) {
      this.#host.counters.repaired += Math.max(0, before - missingCount(peer));
    }
    if (note.announced !== undefined)
      peer.sequence.announce(Math.min(note.announced, peer.held - 1));
    this.#account(peer, 'repair');
  }

  beat(beat: Beat, me: Origin, sentAt: (beat: number) => number | undefined): void {
    const { origin, seq } = beat;
    const known = this.#members.get(origin);
    if (known === undefined && !this.#members.isNews(origin, { beat: beat.beat, seq })) return;
    const peer = this.#members.heard(origin);
    if (peer === undefined) return;
    if (beat.joining) this.#supersede(origin);
    peer.held = beat.held ?? Number.POSITIVE_INFINITY;
    const isNewest = beat.beat > peer.lastBeat;
    peer.lastBeat = Math.max(peer.lastBeat, beat.beat);
    if (beat.digest !== undefined) {
      peer.regions = beat.regions;
      peer.features = beat.features;
    }
    const published = Math.min(seq, peer.held - 1);
    if (isNewest && peer.sequence.contig > seq + LIMITS.sequenceJump) this.#rewind(peer, published);
    this.#bridge(peer, published);
    peer.sequence.announce(published);
    this.#account(peer);
    for (const [listed, entry] of beat.digest ?? []) {
      if (listed !== me) this.#listed(listed, entry);
    }
    const echo = beat.digest?.get(me);
    if (echo !== undefined) {
      peer.listsMe = true;
      const atMs = this.#host.settings.protections.echoProof
        ? sentAt(echo.beat)
        : this.#host.now.localMs;
      if (atMs !== undefined) peer.echoed(atMs, seq);
      this.#barrier.acknowledged(origin, echo.contig, this.#members);
    }
    for (const [departed, final] of beat.departed ?? []) {
      if (departed !== me) this.bye(departed, final);
    }
    this.#members.review(beat, me);
  }

  /** `origin` has published its last number (MEM-4). */
  bye(origin: Origin, final: number): void {
    const peer = this.#members.get(origin);
    if (peer === undefined) {
      this.#members.buryUnknown(origin, final);
      return;
    }
    peer.final = Math.max(final, peer.sequence.contig);
    peer.held = Number.POSITIVE_INFINITY;
    this.#bridge(peer, final);
    peer.sequence.announce(final);
    this.#barrier.left(origin, this.#members);
    this.#account(peer);
  }

  /** Another node has asked for what this one may miss, too. */
  overheard(nack: NegativeAck): void {
    const peer = this.#members.get(nack.publisher);
    if (peer !== undefined) this.#requests.overheard(peer, nack);
  }

  /** Something may have been missed: known gaps are asked for again; beats will tell of others (MEM-7). */
  checkGaps(): void {
    for (const peer of this.#members.all()) {
      peer.nack = undefined;
      this.#account(peer);
    }
  }

  configMismatch(origin: Origin, maxStalenessMs: number): void {
    if (this.#mismatched.has(origin) || this.#mismatched.size >= LIMITS.peers) return;
    this.#mismatched.add(origin);
    this.#host.emit({
      type: 'report',
      report: { type: 'config-mismatch', origin, maxStalenessMs },
    });
  }

  /** Whether a required peer's proof is older than `ageMs`. */
  proofGrowsOld(ageMs: number): boolean {
    const oldest = this.#host.now.localMs - ageMs;
    for (const peer of this.#members.all()) if (peer.provenAtMs < oldest) return true;
    return false;
  }

  tick(me: Origin, { lateMs, intervalMs }: { lateMs: number; intervalMs: number }): void {
    const { monoMs } = this.#host.now;
    this.#checkedAtMs = monoMs;
    if (lateMs > intervalMs / 2) this.#patienceUntilMs = monoMs + intervalMs;
    for (const peer of this.#members.all()) {
      if (this.#requests.tick(peer, me) === 'exhausted') this.#giveUp(peer);
      const silentMs = monoMs - peer.aliveAtMs;
      const forgotten = silentMs >= this.#host.settings.forgetAfterMs;
      if (forgotten && monoMs >= this.#patienceUntilMs) this.#forget(peer, 'silence');
    }
  }

  dueAtMs(intervalMs: number): number {
    let due = this.#checkedAtMs + intervalMs;
    for (const peer of this.#members.all()) due = Math.min(due, peer.nack?.dueAtMs ?? due);
    return due;
  }

  #listed(
    origin: Origin,
    entry: { contig: number; beat: number; ageMs: number; max: number },
  ): void {
    const peer = this.#members.hearsay(origin, entry);
    if (peer === undefined) return;
    const published = Math.min(entry.max, peer.held - 1);
    this.#bridge(peer, published);
    peer.sequence.announce(published);
    this.#account(peer);
  }

  /** A restarted node supersedes its former incarnation (ID-3). */
  #supersede(origin: Origin): void {
    if (!this.#host.settings.uniqueLabel) return;
    const label = labelOf(origin);
    for (const peer of this.#members.all()) {
      if (peer.origin !== origin && labelOf(peer.origin) === label)
        this.#forget(peer, 'superseded');
    }
  }

  /**
   * Numbers up to `seq` exist. A newborn fences instead of asking for a history that it never cached
   * (RX-5), and so does anybody for a jump that is too large to repair (RX-6).
   */
  #bridge(peer: Peer, seq: number): void {
    const jump = seq - peer.sequence.contig;
    if (jump <= 0) return;
    const newborn = peer.sequence.contig === 0 && !this.#members.settled;
    if (!newborn && jump <= LIMITS.sequenceJump) return;
    this.#fence(peer, { by: 'loss', origin: peer.origin });
    peer.sequence.adopt(seq);
    if (!newborn) this.#host.counters.fenced += 1;
  }

  /** Its numbers were forged or mistaken, far above what it now says itself: they count for nothing. */
  #rewind(peer: Peer, seq: number): void {
    this.#host.counters.fenced += 1;
    this.#fence(peer, { by: 'loss', origin: peer.origin });
    peer.sequence.rewind(seq);
  }

  #apply(origin: Origin, selection: Selection, note: BatchNote): void {
    if (isEmptySelection(selection)) return;
    const cause: Cause = {
      by: note.repair === true ? 'repair' : 'peer',
      origin,
      ...(note.wallMs === undefined ? {} : { wallMs: note.wallMs }),
    };
    this.#host.emit({ type: 'apply', selection, cause });
  }

  /** Looks what is missing of `peer` now, and what its numbers prove. */
  #account(peer: Peer, by?: 'repair' | 'fence'): void {
    if (peer.hasGap) {
      if (peer.nack === undefined) {
        const missing = missingCount(peer);
        this.#host.counters.lost += missing;
        this.#host.emit({
          type: 'report',
          report: { type: 'gap-opened', origin: peer.origin, missing },
        });
      }
      this.#requests.arm(peer, this.#members.nodes);
    } else if (peer.nack !== undefined) {
      peer.nack = undefined;
      if (by !== undefined) {
        this.#host.emit({
          type: 'report',
          report: { type: 'gap-closed', origin: peer.origin, by },
        });
      }
    }
    peer.settleEchoes();
    if (peer.final !== undefined && peer.sequence.contig >= peer.final)
      this.#members.remove(peer, 'bye');
  }

  /** Nobody has answered: what may have been missed is fenced (NACK-4). */
  #giveUp(peer: Peer): void {
    this.#host.counters.fenced += 1;
    this.#fence(peer, { by: 'loss', origin: peer.origin });
    peer.sequence.adopt(Math.min(peer.sequence.max, peer.held - 1));
    this.#account(peer, 'fence');
  }

  /** It may have published what nobody has heard: everything loaded before now is fenced (MEM-5). */
  #forget(peer: Peer, why: 'silence' | 'superseded'): void {
    if (this.#host.settings.protections.fenceOnForget) {
      this.#fence(peer, { by: 'silence', origin: peer.origin });
    }
    this.#members.remove(peer, why);
  }

  #fence(peer: Peer, cause: Cause): void {
    this.#host.emit({ type: 'fence', regions: peer.regions ?? 'all', cause });
  }
}

function missingCount(peer: Peer): number {
  let count = 0;
  for (const [low, high] of peer.sequence.missing(LIMITS.outOfOrderRanges, peer.held)) {
    count += high - low + 1;
  }
  return count;
}

function labelOf(origin: Origin): string {
  return origin.slice(0, origin.lastIndexOf('/'));
}
