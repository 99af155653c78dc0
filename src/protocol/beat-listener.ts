import type { Barrier } from './barrier.ts';
import type { Beats } from './beats.ts';
import type { Host } from './host.ts';
import type { Inbound } from './inbound.ts';
import type { Members } from './members.ts';
import type { Beat, DigestEntry, Origin } from './message.ts';
import type { Peer } from './peer.ts';
import { shardsIn } from './shard-feature.ts';
import type { Silence } from './silence.ts';

/** What the beats of the others say: who is there, what they have published, and what is proven by it. */
export class BeatListener {
  readonly #host: Host;
  readonly #members: Members;
  readonly #beats: Beats;
  readonly #inbound: Inbound;
  readonly #barrier: Barrier;
  readonly #silence: Silence;

  constructor(
    host: Host,
    parts: {
      readonly members: Members;
      readonly beats: Beats;
      readonly inbound: Inbound;
      readonly barrier: Barrier;
      readonly silence: Silence;
    },
  ) {
    this.#host = host;
    this.#members = parts.members;
    this.#beats = parts.beats;
    this.#inbound = parts.inbound;
    this.#barrier = parts.barrier;
    this.#silence = parts.silence;
  }

  /** Takes in a beat of another node; `me` is the origin of this one. */
  hear(beat: Beat, me: Origin): void {
    const { origin } = beat;
    const known = this.#members.get(origin);
    if (known === undefined && !this.#members.departures.isNews(origin, beat)) return;
    const peer = this.#members.heard(origin);
    if (peer === undefined) return;
    if (beat.joining) this.#silence.supersede(peer);
    if (beat.joining && (beat.asked ?? me) === me) this.#beats.asked(origin);
    const published = Math.min(beat.seq, (beat.held ?? Number.POSITIVE_INFINITY) - 1);
    if (peer.contradictsItself(beat)) this.#inbound.startOver(peer, published);
    peer.lastBeat = Math.max(peer.lastBeat, beat.beat);
    if (beat.config !== undefined) this.#hearConfig(peer, beat.config);
    // Whom it requires is required here before anything that it says counts as proof.
    for (const [listed, entry] of beat.digest ?? []) if (listed !== me) this.#listed(listed, entry);
    for (const [departed, final] of beat.departed ?? []) {
      if (departed !== me && departed !== origin) this.#inbound.bye(departed, final);
    }
    if (beat.digest !== undefined) this.#hearDigest(peer, beat, me);
    // Last: with its numbers complete, a peer that has said bye is gone.
    this.#inbound.announced(peer, published);
  }

  #hearDigest(peer: Peer, beat: Beat, me: Origin): void {
    if (peer.saysRegions(beat.regions)) this.#members.changed();
    peer.features = beat.features;
    // Before its echo: nothing is proven of a peer that has not told it.
    this.#hearShards(peer, shardsIn(beat.features));
    peer.coverage.heard(beat.beat, beat.part);
    const echo = beat.digest?.get(me);
    if (echo !== undefined) {
      peer.listsMe = true;
      const atMs = this.#host.settings.protections.echoProof
        ? this.#beats.sentAt(echo.beat)
        : this.#host.now.localMs;
      if (atMs !== undefined) peer.echoed({ atMs, seq: beat.seq, beat: beat.beat });
      this.#barrier.acknowledged(peer.origin, echo.contig, this.#members);
    }
    this.#members.listed(peer, beat);
  }

  /** Who divides the regions in another way publishes where I do not listen (VER-3). */
  #hearShards(peer: Peer, shards: number): void {
    if (!peer.saysShards(shards)) return;
    this.#members.changed();
    const { shards: ours = 1 } = this.#host.settings;
    const { origin, shards: theirs = ours } = peer;
    if (theirs === ours) return;
    this.#host.emit({ type: 'report', report: { type: 'shards-differ', origin, theirs, ours } });
  }

  #listed(origin: Origin, entry: DigestEntry): void {
    const peer = this.#members.hearsay(origin, entry);
    if (peer !== undefined) this.#inbound.announced(peer, Math.max(entry.contig, entry.max));
  }

  #hearConfig(peer: Peer, config: NonNullable<Beat['config']>): void {
    const { maxStalenessMs } = config;
    const news = peer.config?.maxStalenessMs !== maxStalenessMs;
    peer.config = config;
    if (!news || maxStalenessMs === this.#host.settings.maxStalenessMs) return;
    const { origin } = peer;
    this.#host.emit({
      type: 'report',
      report: { type: 'config-mismatch', origin, maxStalenessMs },
    });
  }
}
