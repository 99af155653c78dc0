import { encode, wireLength } from './codec.ts';
import { Digest } from './digest.ts';
import type { Host } from './host.ts';
import { LIMITS } from './limits.ts';
import type { Members } from './members.ts';
import type { Beat, Origin } from './message.ts';
import type { Publisher } from './publisher.ts';
import { beatPace, boundInForceMs } from './pace.ts';
import { TIMES } from './settings.ts';
import { featuresWith } from './shard-feature.ts';

/** The first beats of a newborn follow each other quickly, so that it is settled soon. */
const QUICK_BEATS = 4;

/** When this node beats, and what its beats say (BEAT-1, BEAT-2, PUB-5). */
export class Beats {
  readonly #host: Host;
  readonly #members: Members;
  readonly #digest: Digest;
  #beat = 0;
  /** The local time at which each of the last beats was emitted (BEAT-4). */
  readonly #sentAt = new Map<number, number>();
  #dueAtMs = Number.POSITIVE_INFINITY;
  #tails: readonly number[] = [];
  /** The next beat asks for beats: of everybody, or of one. */
  #ask: 'nobody' | 'all' | { readonly peer: Origin } = 'nobody';
  /** The next beat answers one that asked. */
  #answers = false;
  #probedAtMs = Number.NEGATIVE_INFINITY;
  #fullAtMs = Number.NEGATIVE_INFINITY;
  #sentLocalMs: number;
  #relaxed = false;

  constructor(host: Host, members: Members) {
    this.#host = host;
    this.#members = members;
    this.#digest = new Digest(members);
    this.#sentLocalMs = host.now.localMs;
  }

  get beat(): number {
    return this.#beat;
  }

  sentAt(beat: number): number | undefined {
    return this.#sentAt.get(beat);
  }

  /** H: the mean interval between the beats of this node, in ms. */
  get intervalMs(): number {
    return beatPace(this.#host.settings, this.#members.nodes, this.#members.announcedIntervalMs);
  }

  /** The bound in force, in ms. */
  get boundMs(): number {
    return boundInForceMs(this.#host.settings, this.#members.nodes);
  }

  /** Asks everybody for a beat, with the next of ours, now (MEM-7). */
  ask(): void {
    this.#ask = 'all';
    this.#dueAtMs = this.#host.now.monoMs;
  }

  /** Asks for the beats of those whose proof grows old although they are alive; once per interval at most (BEAT-8). */
  probe(): void {
    const { monoMs, localMs } = this.#host.now;
    const { intervalMs } = this;
    if (!this.#host.busOpen || monoMs - this.#probedAtMs < intervalMs) return;
    const oldestMs = localMs - 0.7 * this.boundMs;
    const old: Origin[] = [];
    for (const peer of this.#members.all()) {
      const answers = !peer.opaque && peer.final === undefined;
      const alive = monoMs - peer.aliveAtMs < 2 * intervalMs;
      if (answers && alive && peer.provenAtMs < oldestMs) old.push(peer.origin);
    }
    const [peer] = old;
    if (peer === undefined) return;
    this.#probedAtMs = monoMs;
    if (old.length > 1) this.#ask = 'all';
    else if (this.#ask === 'nobody') this.#ask = { peer };
    this.#dueAtMs = monoMs;
  }

  /**
   * `by` asks for beats: ours comes soon, spread over a time that grows with the cluster, but not sooner
   * after the last one than that time.
   */
  asked(by?: Origin): void {
    const { monoMs } = this.#host.now;
    const spread = Math.min(this.intervalMs, TIMES.joinSpread * this.#members.nodes);
    const soon = monoMs + this.#host.random() * spread;
    this.#dueAtMs = Math.min(this.#dueAtMs, Math.max(soon, this.#fullAtMs + spread));
    this.#answers = true;
    if (by !== undefined) this.#digest.asked(by);
  }

  /** Something was published: thin beats follow, so that its loss is noticed soon (PUB-5). */
  published(): void {
    if (!this.#host.settings.protections.tailBeats) return;
    const { monoMs } = this.#host.now;
    this.#tails = [monoMs + TIMES.firstTail, monoMs + TIMES.secondTail];
  }

  /** When to call `tick` next. */
  get dueAtMs(): number {
    return Math.min(this.#dueAtMs, this.#tails[0] ?? Number.POSITIVE_INFINITY);
  }

  tick(origin: Origin, publisher: Publisher): void {
    const { monoMs, localMs } = this.#host.now;
    if (!this.#host.busOpen) {
      this.stop();
      return;
    }
    // Nobody has heard this node for so long that all have forgotten it.
    if (localMs - this.#sentLocalMs >= this.#members.forgetAfterMs) this.#members.rejoin();
    const tailDue = monoMs >= (this.#tails[0] ?? Number.POSITIVE_INFINITY);
    // A full beat says what the thin one would have said.
    if (monoMs >= this.#dueAtMs) this.#sendFull(origin, publisher);
    else if (tailDue) this.#send(this.#fields(origin, publisher));
    if (tailDue) this.#tails = this.#tails.slice(1);
  }

  /** No more beats until somebody asks. */
  stop(): void {
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    this.#tails = [];
  }

  /** Begins anew under another origin. */
  reset(): void {
    this.#beat = 0;
    this.#sentAt.clear();
    this.ask();
  }

  #sendFull(origin: Origin, publisher: Publisher): void {
    const { settings } = this.#host;
    const ask = this.#ask;
    const tellsConfig = ask !== 'nobody' || this.#answers;
    const fields: Omit<Beat, 'digest'> = {
      ...this.#fields(origin, publisher),
      joining: ask !== 'nobody',
      ...(typeof ask === 'object' ? { asked: ask.peer } : {}),
      features: featuresWith(settings.shards ?? 1, settings.features),
      ...(tellsConfig
        ? {
            config: {
              maxStalenessMs: settings.maxStalenessMs,
              beatIntervalMs: Math.ceil(settings.maxStalenessMs / 6),
            },
          }
        : {}),
    };
    const room = settings.maxFrameBytes - headBytes(settings.cluster, fields);
    this.#send({ ...fields, ...this.#digest.page(room, 2 * this.intervalMs) });
    this.#ask = 'nobody';
    this.#answers = false;
    this.#fullAtMs = this.#host.now.monoMs;
    this.#schedule();
    this.#noteRelaxed();
  }

  /** What a thin beat says, and every other. */
  #fields(origin: Origin, publisher: Publisher): Omit<Beat, 'digest'> {
    const { held } = publisher;
    this.#beat += 1;
    return {
      type: 'beat',
      origin,
      seq: publisher.seq,
      ...(held === undefined ? {} : { held }),
      beat: this.#beat,
      settled: this.#members.settled,
      joining: false,
      features: [],
    };
  }

  #send(beat: Beat): void {
    const { localMs } = this.#host.now;
    this.#sentAt.set(beat.beat, localMs);
    this.#sentAt.delete(beat.beat - LIMITS.rememberedBeats);
    this.#sentLocalMs = localMs;
    this.#host.counters.beatsSent += 1;
    this.#host.send(encode(this.#host.settings.cluster, beat), { name: `beat ${beat.beat}` });
  }

  #schedule(): void {
    const mean = this.intervalMs;
    const quick = !this.#members.ready && this.#beat < QUICK_BEATS;
    const quickMs = 2 * TIMES.joinSpread * (this.#members.nodes + 1);
    const intervalMs = quick ? Math.min(mean, quickMs) : mean;
    this.#dueAtMs = this.#host.now.monoMs + (0.5 + this.#host.random()) * intervalMs;
  }

  #noteRelaxed(): void {
    const { boundMs } = this;
    const relaxed = boundMs > this.#host.settings.maxStalenessMs;
    if (relaxed && !this.#relaxed) {
      this.#host.emit({ type: 'report', report: { type: 'bound-relaxed', boundMs } });
    }
    this.#relaxed = relaxed;
  }
}

/** The letters, numbers and punctuation of a beat, those of its digest, its part and its departures included, at most. */
const HEAD_BYTES = 256;

/** What a beat takes besides what its digest lists, at most. Exactly would mean to write it twice. */
function headBytes(cluster: string, { origin, asked, features }: Omit<Beat, 'digest'>): number {
  let bytes = HEAD_BYTES + wireLength(cluster) + wireLength(origin);
  if (asked !== undefined) bytes += wireLength(asked);
  for (const feature of features) bytes += wireLength(feature) + 1;
  return bytes;
}
