import type { Acknowledgements } from './acknowledgements.ts';
import type { Barrier } from './barrier.ts';
import type { BeatListener } from './beat-listener.ts';
import type { Beats } from './beats.ts';
import { encode, type Decoder } from './codec.ts';
import type { ForeignMessages } from './foreign-messages.ts';
import type { Host } from './host.ts';
import type { Identity } from './identity.ts';
import type { Inbound } from './inbound.ts';
import { LIMITS } from './limits.ts';
import type { Members } from './members.ts';
import type { Acks, Invalidation, Message, NegativeAck, Origin, Range, Repair } from './message.ts';
import type { Publisher } from './publisher.ts';

/** Those to whom a message may be of interest. */
export interface Listeners {
  readonly identity: Identity;
  readonly members: Members;
  readonly inbound: Inbound;
  readonly beatListener: BeatListener;
  readonly beats: Beats;
  readonly barrier: Barrier;
  readonly acks: Acknowledgements;
  readonly foreign: ForeignMessages;
  /** Changes with the origin. */
  readonly publisher: () => Publisher;
}

/** Reads frames, and tells each message to those whom it concerns. */
export class Hearing {
  readonly #host: Host;
  readonly #decode: Decoder;
  readonly #to: Listeners;

  constructor(host: Host, decode: Decoder, listeners: Listeners) {
    this.#host = host;
    this.#decode = decode;
    this.#to = listeners;
  }

  /** Takes a frame in; `left`: this node has said bye. */
  frame(frame: string, left: boolean): void {
    const { cluster, maxFrameBytes } = this.#host.settings;
    if (this.#to.identity.isEcho(frame)) {
      this.#host.counters.framesHeard += 1;
      return;
    }
    const decoded = this.#decode(frame, cluster, Math.max(maxFrameBytes, LIMITS.readFrameBytes));
    switch (decoded.type) {
      case 'refused':
        this.#refuse(decoded.reason);
        return;
      case 'other-cluster':
        return;
      case 'newer':
        this.#newer(decoded.origin);
        return;
      case 'message': {
        const { message } = decoded;
        const { identity, beats } = this.#to;
        this.#host.counters.framesHeard += 1;
        if (message.origin !== identity.origin) this.#ofPeer(message);
        else
          identity.heard(message, frame, { seq: this.#to.publisher().seq, beat: beats.beat, left });
      }
    }
  }

  #ofPeer(message: Message): void {
    const { origin } = message;
    const { identity } = this.#to;
    if (identity.mustTell(origin)) this.#tell(origin);
    switch (message.type) {
      case 'inv':
        this.#invalidation(message);
        return;
      case 'rep':
        this.#repair(message);
        return;
      case 'beat':
        this.#to.beatListener.hear(message, identity.origin);
        // Others hold that I have left for good: as this origin nobody would require me any more.
        if (message.departed?.has(identity.origin) === true) identity.doubt();
        return;
      case 'nack':
        this.#request(message);
        return;
      case 'ack':
        this.#acks(message);
        return;
      case 'bye':
        this.#to.inbound.bye(origin, message.seq);
        return;
      case 'unknown':
        this.#alive(origin);
        return;
    }
  }

  /** Somebody goes on under a name that was mine: asked for a number that nobody ever assigns, he takes another one (ID-2). */
  #tell(publisher: Origin): void {
    const { settings } = this.#host;
    const ranges: readonly Range[] = [[Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]];
    const { origin } = this.#to.identity;
    this.#host.send(encode(settings.cluster, { type: 'nack', origin, publisher, ranges }));
  }

  #invalidation(message: Invalidation): void {
    const { origin, seq, low = seq, selection, via, wallMs, traceparent } = message;
    if (via !== undefined) this.#to.foreign.adopted(via);
    this.#to.inbound.batch(origin, [low, seq], selection, {
      published: publishedUpTo(message),
      ...(wallMs === undefined ? {} : { wallMs }),
      ...(traceparent === undefined ? {} : { traceparent }),
    });
    if (message.ackWanted) this.#to.acks.owe(origin);
  }

  #repair(message: Repair): void {
    const { origin, range, selection } = message;
    const note = { repair: true, published: publishedUpTo(message) };
    this.#to.inbound.batch(origin, range, selection, note);
    if (message.ackWanted) this.#to.acks.owe(origin);
  }

  #request(nack: NegativeAck): void {
    const { identity, inbound } = this.#to;
    const publisher = this.#to.publisher();
    this.#alive(nack.origin);
    if (nack.publisher !== identity.origin) inbound.overheard(nack);
    // Numbers that I never assigned were heard in my name.
    else if (nack.ranges.some(([, high]) => high > publisher.seq)) identity.doubt();
    else publisher.answer(nack);
  }

  #acks({ origin, acks }: Acks): void {
    this.#alive(origin);
    const contig = acks.get(this.#to.identity.origin);
    if (contig !== undefined) this.#to.barrier.acknowledged(origin, contig, this.#to.members);
  }

  /** A sign of life without numbers. */
  #alive(origin: Origin): void {
    const { members } = this.#to;
    if (members.departures.isNews(origin, {})) members.heard(origin);
  }

  /** It exists, and says nothing that we could trust: required, never proven (VER-1). */
  #newer(origin: Origin): void {
    const { members } = this.#to;
    const peer = members.departures.isFinal(origin) ? undefined : members.heard(origin);
    if (peer === undefined || peer.opaque) return;
    peer.opaque = true;
    members.changed();
    this.#host.emit({ type: 'report', report: { type: 'newer-version', origin } });
  }

  #refuse(reason: string): void {
    const refused = this.#host.counters.framesRefused;
    refused[reason] = (refused[reason] ?? 0) + 1;
    this.#host.emit({ type: 'report', report: { type: 'frame-refused', reason } });
  }
}

/** Up to here everything is published, by the message's own word: what is held back is still to come (PUB-8). */
function publishedUpTo({ seq, held }: { readonly seq: number; readonly held?: number }): number {
  return Math.min(seq, (held ?? Number.POSITIVE_INFINITY) - 1);
}
