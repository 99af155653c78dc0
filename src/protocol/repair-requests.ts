import { encode } from './codec.ts';
import type { Host } from './host.ts';
import { LIMITS } from './limits.ts';
import type { NegativeAck, Origin } from './message.ts';
import type { Peer } from './peer.ts';
import { NACK_TRIES, TIMES } from './settings.ts';

/** Asks for what is missing: after a wait for reordering, with a back-off that lets one node ask for all. */
export class RepairRequests {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Numbers of `peer` are missing: ask soon, unless they come or somebody else asks (NACK-1). */
  arm(peer: Peer, nodes: number): void {
    if (peer.nack !== undefined) return;
    const { monoMs } = this.#host.now;
    const wait = TIMES.reorderWait + nackBackoffMs(TIMES.nackBackoff, nodes, this.#host.random());
    peer.nack = { dueAtMs: monoMs + wait, tries: 0 };
  }

  /** Somebody else has asked for my lowest missing number: I wait for the answer (NACK-2). */
  overheard(peer: Peer, nack: NegativeAck): void {
    if (peer.nack === undefined || !this.#host.settings.protections.suppression) return;
    const lowest = peer.sequence.contig + 1;
    if (!nack.ranges.some(([low, high]) => low <= lowest && lowest <= high)) return;
    this.#host.counters.nacksSuppressed += 1;
    peer.nack.dueAtMs = Math.max(
      peer.nack.dueAtMs,
      this.#host.now.monoMs + this.#repeatMs(peer.nack.tries),
    );
  }

  /** Asks, if it is time; `exhausted` once nobody has answered often enough (NACK-4). */
  tick(peer: Peer, me: Origin): 'waiting' | 'exhausted' {
    const { nack } = peer;
    const { monoMs } = this.#host.now;
    if (nack === undefined || monoMs < nack.dueAtMs) return 'waiting';
    const ranges = peer.sequence.missing(LIMITS.nackRanges, peer.held);
    if (ranges.length === 0) {
      peer.nack = undefined;
      return 'waiting';
    }
    if (!this.#host.busOpen) {
      nack.dueAtMs = monoMs + TIMES.nackRepeatCap;
      return 'waiting';
    }
    if (nack.tries >= NACK_TRIES) return 'exhausted';
    const { cluster } = this.#host.settings;
    this.#host.send(encode(cluster, { type: 'nack', origin: me, publisher: peer.origin, ranges }));
    this.#host.counters.nacksSent += 1;
    nack.dueAtMs = monoMs + this.#repeatMs(nack.tries);
    nack.tries += 1;
    return 'waiting';
  }

  #repeatMs(tries: number): number {
    const repeat = Math.min(TIMES.nackRepeatCap, TIMES.nackRepeat * 2 ** tries);
    return repeat * (0.75 + this.#host.random() / 2);
  }
}

/**
 * Truncated exponential back-off: most nodes wait long and a few wait short, so that in a group of
 * any size about one asks first. Source: RFC 5401, section 4.2 (RandomBackoff).
 */
export function nackBackoffMs(maxMs: number, groupSize: number, uniform: number): number {
  const lambda = Math.log(Math.max(2, groupSize)) + 1;
  const grown = Math.exp(lambda) - 1;
  const x = uniform * (lambda / maxMs) + lambda / (maxMs * grown);
  return Math.min(maxMs, Math.max(0, (maxMs / lambda) * Math.log(x * grown * (maxMs / lambda))));
}
