import { encode, wireLength } from './codec.ts';
import type { Host } from './host.ts';
import { LIMITS } from './limits.ts';
import type { Members } from './members.ts';
import type { Origin } from './message.ts';
import { TIMES } from './settings.ts';

/** What an entry takes besides its origin: a number and its punctuation. */
const ENTRY_BYTES = 20;

/** Acknowledges what others have asked it for, together for all that was asked within a moment (BAR-1). */
export class Acknowledgements {
  readonly #host: Host;
  readonly #members: Members;
  readonly #owed = new Set<Origin>();
  dueAtMs: number = Number.POSITIVE_INFINITY;

  constructor(host: Host, members: Members) {
    this.#host = host;
    this.#members = members;
  }

  owe(origin: Origin): void {
    if (this.#owed.size >= LIMITS.peers) return;
    this.#owed.add(origin);
    this.dueAtMs = Math.min(this.dueAtMs, this.#host.now.monoMs + TIMES.ackDelay);
  }

  tick(me: Origin): void {
    if (this.#host.now.monoMs < this.dueAtMs) return;
    const { cluster, maxFrameBytes } = this.#host.settings;
    const acks = new Map<Origin, number>();
    let room = maxFrameBytes - encode(cluster, { type: 'ack', origin: me, acks }).length;
    for (const origin of this.#owed) {
      const peer = this.#members.get(origin);
      if (peer === undefined) continue;
      room -= wireLength(origin) + ENTRY_BYTES;
      // The rest learns it from the next beat.
      if (room < 0) break;
      acks.set(origin, peer.sequence.contig);
    }
    this.#owed.clear();
    this.dueAtMs = Number.POSITIVE_INFINITY;
    if (acks.size === 0 || !this.#host.busOpen) return;
    this.#host.send(encode(cluster, { type: 'ack', origin: me, acks }));
  }
}
