import { encode } from './codec.ts';
import type { Host } from './host.ts';
import { LIMITS } from './limits.ts';
import type { NegativeAck, Origin } from './message.ts';
import type { Peer, Request } from './peer.ts';
import { NACK_TRIES, TIMES } from './settings.ts';

/** Asks for what is missing: after a wait for reordering, with a back-off that lets one node ask for all. */
export class RepairRequests {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Numbers of `peer` are missing: ask soon, unless they come or somebody else asks (NACK-1). */
  arm(peer: Peer, nodes: number): void {
    if (peer.request !== undefined) return;
    peer.request = {
      dueAtMs: this.#soon(nodes),
      tries: 0,
      askedAtMs: Number.NEGATIVE_INFINITY,
      counted: 0,
    };
  }

  /** Something may have been missed, and answers with it: ask again, and soon (MEM-7). */
  again(peer: Peer, nodes: number): void {
    if (peer.request === undefined) return;
    peer.request.dueAtMs = Math.min(peer.request.dueAtMs, this.#soon(nodes));
    peer.request.tries = Math.min(peer.request.tries, 1);
    peer.request.askedAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Somebody else has asked for my lowest missing number: I wait for the answer (NACK-2). */
  overheard(peer: Peer, nack: NegativeAck): void {
    const { request } = peer;
    if (request === undefined || !this.#host.settings.protections.suppression) return;
    const lowest = peer.sequence.contig + 1;
    if (!nack.ranges.some(([low, high]) => low <= lowest && lowest <= high)) return;
    this.#host.counters.nacksSuppressed += 1;
    // Those who ask at the same time count as one: nobody gives up sooner for it.
    const sinceMs = this.#host.now.monoMs - request.askedAtMs;
    if (sinceMs >= TIMES.nackRepeat / 2) this.#asked(peer, request);
  }

  /** Asks, if it is time; `exhausted` once nobody has answered often enough (NACK-4). */
  tick(peer: Peer, me: Origin): 'waiting' | 'exhausted' {
    const { request } = peer;
    const { monoMs } = this.#host.now;
    if (request === undefined || monoMs < request.dueAtMs) return 'waiting';
    const ranges = peer.sequence.missing(LIMITS.nackRanges);
    if (!this.#host.busOpen || ranges.length === 0) {
      request.dueAtMs = monoMs + TIMES.nackRepeatCap;
      return 'waiting';
    }
    if (request.tries >= NACK_TRIES) return 'exhausted';
    this.#asked(peer, request);
    const { cluster } = this.#host.settings;
    this.#host.send(encode(cluster, { type: 'nack', origin: me, publisher: peer.origin, ranges }));
    this.#host.counters.nacksSent += 1;
    return 'waiting';
  }

  /** It was asked for, by whomever. */
  #asked(peer: Peer, request: Request): void {
    const { monoMs } = this.#host.now;
    const missing = peer.sequence.missingCount;
    // Before this it may only have been late.
    if (request.tries === 0) {
      this.#host.emit({
        type: 'report',
        report: { type: 'gap-opened', origin: peer.origin, missing },
      });
    }
    if (missing > request.counted) {
      this.#host.counters.lost += missing - request.counted;
      request.counted = missing;
    }
    const repeatMs = Math.min(TIMES.nackRepeatCap, TIMES.nackRepeat * 2 ** request.tries);
    request.dueAtMs = monoMs + repeatMs * (0.75 + this.#host.random() / 2);
    request.tries += 1;
    request.askedAtMs = monoMs;
  }

  #soon(nodes: number): number {
    const backoffMs = nackBackoffMs(TIMES.nackBackoff, nodes, this.#host.random());
    return this.#host.now.monoMs + TIMES.reorderWait + backoffMs;
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
