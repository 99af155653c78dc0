import { encode, wireLength } from './codec.ts';
import type { Host } from './host.ts';
import { LIMITS } from './limits.ts';
import type { DigestEntry, Origin } from './message.ts';
import type { Members } from './members.ts';
import type { Publisher } from './publisher.ts';
import { TIMES } from './settings.ts';

/** Fewer milliseconds than this between the beats of two nodes would be a flood, whatever a peer announces. */
const SHORTEST_INTERVAL_MS = 20;

/** The first beats of a newborn follow each other quickly, so that it is settled soon. */
const QUICK_BEATS = 4;

/** What the fixed fields of a beat may take of a frame, in bytes. */
const BEAT_HEADER_BYTES = 1_500;

/** When this node beats, and what its beats say (BEAT-1, BEAT-2, PUB-5). */
export class Beats {
  readonly #host: Host;
  #beat = 0;
  /** The local time at which each of the last beats was emitted (BEAT-4). */
  readonly #sentAt = new Map<number, number>();
  #dueAtMs = Number.POSITIVE_INFINITY;
  #tails: number[] = [];
  #joining = true;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #rotation = 0;
  /** The smallest mean interval that a peer has announced. */
  #announcedMs = Number.POSITIVE_INFINITY;
  #relaxed = false;

  constructor(host: Host) {
    this.#host = host;
  }

  get beat(): number {
    return this.#beat;
  }

  sentAt(beat: number): number | undefined {
    return this.#sentAt.get(beat);
  }

  /** H: the mean interval, so long that the whole cluster sends about ten control messages a second (RFC 3550 6.2). */
  intervalMs(nodes: number): number {
    const { maxStalenessMs, strict } = this.#host.settings;
    const wanted = Math.min(maxStalenessMs / 6, this.#announcedMs);
    const cap = nodes * TIMES.perNode;
    return Math.max(SHORTEST_INTERVAL_MS, strict ? wanted : Math.max(wanted, cap));
  }

  /** The bound in force: X, or more where the cluster is too large for its beats to keep X. */
  boundMs(nodes: number): number {
    const { maxStalenessMs } = this.#host.settings;
    const wanted = maxStalenessMs / 6;
    const relaxed = !this.#host.settings.strict && nodes * TIMES.perNode > wanted;
    // Below a second the cap of the control traffic decides for any cluster; that is a choice of X, not of size.
    return relaxed ? Math.max(maxStalenessMs, 6 * nodes * TIMES.perNode) : maxStalenessMs;
  }

  /** A peer beats faster: so do we, for its bound depends on our beats. */
  heardInterval(intervalMs: number): void {
    this.#announcedMs = Math.min(this.#announcedMs, Math.max(SHORTEST_INTERVAL_MS, intervalMs));
  }

  /** Asks everybody for a beat, with the next of ours, now (MEM-7). */
  ask(): void {
    this.#joining = true;
    this.#dueAtMs = this.#host.now.monoMs;
  }

  /** Asks for beats because a proof grows old; at most once per interval (BEAT-8). */
  probe(nodes: number): void {
    const { monoMs } = this.#host.now;
    if (monoMs - this.#askedAtMs < this.intervalMs(nodes)) return;
    this.ask();
  }

  /** Somebody asks for beats: ours comes soon, spread over a time that grows with the cluster. */
  asked(nodes: number): void {
    const spread = Math.min(this.intervalMs(nodes), TIMES.joinSpread * nodes);
    const { monoMs } = this.#host.now;
    this.#dueAtMs = Math.min(this.#dueAtMs, monoMs + this.#host.random() * spread);
  }

  /** Something was published: thin beats follow, so that its loss is noticed soon. */
  published(): void {
    if (!this.#host.settings.protections.tailBeats) return;
    const { monoMs } = this.#host.now;
    this.#tails = [monoMs + TIMES.firstTail, monoMs + TIMES.secondTail];
  }

  /** When to call `tick` next. */
  get dueAtMs(): number {
    return Math.min(this.#dueAtMs, this.#tails[0] ?? Number.POSITIVE_INFINITY);
  }

  tick(origin: Origin, members: Members, publisher: Publisher): void {
    const { monoMs } = this.#host.now;
    if (!this.#host.busOpen) {
      this.#dueAtMs = Number.POSITIVE_INFINITY;
      this.#tails = [];
      return;
    }
    if (monoMs >= this.#dueAtMs) {
      this.#send(origin, members, publisher, false);
      this.#schedule(members);
    } else if (this.#tails[0] !== undefined && monoMs >= this.#tails[0]) {
      this.#tails.shift();
      this.#send(origin, members, publisher, true);
    }
  }

  reset(): void {
    this.#beat = 0;
    this.#sentAt.clear();
    this.ask();
  }

  #schedule(members: Members): void {
    const { monoMs } = this.#host.now;
    const nodes = members.nodes;
    const mean = this.intervalMs(nodes);
    const quick = !members.ready && this.#beat < QUICK_BEATS;
    const interval = quick ? Math.min(mean, 2 * TIMES.joinSpread * (nodes + 1)) : mean;
    this.#dueAtMs = monoMs + (0.5 + this.#host.random()) * interval;
  }

  #send(origin: Origin, members: Members, publisher: Publisher, thin: boolean): void {
    const { monoMs, localMs } = this.#host.now;
    const { settings } = this.#host;
    const nodes = members.nodes;
    this.#beat += 1;
    this.#sentAt.set(this.#beat, localMs);
    this.#sentAt.delete(this.#beat - LIMITS.rememberedBeats);
    const joining = this.#joining && !thin;
    if (joining) {
      this.#joining = false;
      this.#askedAtMs = monoMs;
    }
    const departed = thin ? undefined : members.departed();
    const held = publisher.held;
    const frame = encode(settings.cluster, {
      type: 'beat',
      origin,
      seq: publisher.seq,
      beat: this.#beat,
      settled: members.settled,
      joining,
      features: thin ? [] : settings.features,
      ...(held === undefined ? {} : { held }),
      ...(thin ? {} : { digest: this.#digest(members), required: members.size }),
      ...(departed === undefined || departed.size === 0 ? {} : { departed }),
      ...(thin
        ? {}
        : {
            config: {
              maxStalenessMs: settings.maxStalenessMs,
              beatIntervalMs: Math.round(settings.maxStalenessMs / 6),
            },
          }),
    });
    this.#host.counters.beatsSent += 1;
    this.#host.send(frame, { name: `beat ${this.#beat}` });
    this.#noteRelaxed(nodes);
  }

  /** Every peer that fits; in a larger cluster a window that moves on with each beat. */
  #digest(members: Members): ReadonlyMap<Origin, DigestEntry> {
    const peers = [...members.all()];
    const digest = new Map<Origin, DigestEntry>();
    let room = this.#host.settings.maxFrameBytes - BEAT_HEADER_BYTES;
    for (let index = 0; index < peers.length && digest.size < LIMITS.digestEntries; index += 1) {
      const peer = peers[(this.#rotation + index) % peers.length];
      if (peer === undefined) break;
      room -= wireLength(peer.origin) + 60;
      if (room < 0) break;
      digest.set(peer.origin, members.entry(peer, 2 * this.intervalMs(members.nodes)));
    }
    this.#rotation = digest.size < peers.length ? (this.#rotation + digest.size) % peers.length : 0;
    return digest;
  }

  #noteRelaxed(nodes: number): void {
    const boundMs = this.boundMs(nodes);
    const relaxed = boundMs > this.#host.settings.maxStalenessMs;
    if (relaxed && !this.#relaxed) {
      this.#host.emit({ type: 'report', report: { type: 'bound-relaxed', boundMs } });
    }
    this.#relaxed = relaxed;
  }
}
