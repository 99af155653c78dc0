import type { Barrier } from './barrier.ts';
import type { Beats } from './beats.ts';
import { encode } from './codec.ts';
import type { Host } from './host.ts';
import type { Identity } from './identity.ts';
import { LIMITS } from './limits.ts';
import type { Members } from './members.ts';
import type { Origin } from './message.ts';
import { Publisher } from './publisher.ts';

/** Whom a new origin concerns. */
export interface Heirs {
  readonly identity: Identity;
  readonly members: Members;
  readonly barrier: Barrier;
  readonly beats: Beats;
}

/** Where numbers end: so far below the largest safe integer that none is skipped (PUB-6). */
const LAST_SEQ = Number.MAX_SAFE_INTEGER - LIMITS.sequenceJump;

/** What this node publishes under its origin, and how one origin follows another. */
export class Succession {
  readonly #host: Host;
  readonly #heirs: Heirs;
  #publisher: Publisher;
  /** An origin that came to the end of its numbers, and still has to say bye (PUB-6). */
  #former: { readonly origin: Origin; readonly seq: number } | undefined;

  constructor(host: Host, heirs: Heirs, firstSeq: number | undefined) {
    this.#host = host;
    this.#heirs = heirs;
    this.#publisher = new Publisher(host, heirs.identity.origin, firstSeq);
  }

  /** It changes with the origin. */
  get publisher(): Publisher {
    return this.#publisher;
  }

  /** Takes another origin if one is due; `left`: this node has said bye. */
  review(left: boolean): void {
    const { identity } = this.#heirs;
    if (!left && identity.dueAtMs <= this.#host.now.monoMs) this.#changeIdentity();
    if (this.#publisher.seq >= LAST_SEQ) this.#renewNumbers();
  }

  /** Until the new origin is required by everybody, the old one is what keeps them from trusting too much. */
  endFormer(): void {
    if (this.#former === undefined || !this.#heirs.members.ready || !this.#host.busOpen) return;
    this.#sayBye(this.#former.origin, this.#former.seq);
    this.#former = undefined;
  }

  /** Says bye under the origin of now. */
  sayBye(): void {
    this.#sayBye(this.#heirs.identity.origin, this.#publisher.seq);
  }

  #sayBye(origin: Origin, seq: number): void {
    this.#host.send(encode(this.#host.settings.cluster, { type: 'bye', origin, seq }));
  }

  /** Somebody else uses this origin, or the others do not believe it any more (ID-2). */
  #changeIdentity(): void {
    const { origin } = this.#heirs.identity;
    this.#host.emit({ type: 'fence', regions: 'all', cause: { by: 'identity', origin } });
    this.#host.emit({ type: 'report', report: { type: 'identity-duplicated', origin } });
    this.#rename();
    // What this node has published under the old name may have been taken for a repetition: nobody knows which.
    this.#publisher.publish(0, { all: true }, { for: 'bus' });
  }

  /** The numbers come to their end: the same node goes on under another origin (PUB-6). */
  #renewNumbers(): void {
    const { identity, members } = this.#heirs;
    this.#former = { origin: identity.origin, seq: this.#publisher.seq };
    members.departures.departed(identity.origin, this.#publisher.seq);
    this.#rename();
  }

  #rename(): void {
    const { identity, members, barrier, beats } = this.#heirs;
    const { unsent, guards } = this.#publisher.abandon();
    identity.renew();
    this.#publisher = new Publisher(this.#host, identity.origin);
    members.renamed();
    barrier.leaseOnly();
    beats.reset();
    for (const [guard, selection] of guards) this.#publisher.reserve(guard, selection);
    for (const selection of unsent) this.#publisher.publish(0, selection, { for: 'bus' });
    beats.tick(identity.origin, this.#publisher);
  }
}
