import type { CallResult } from './effect.ts';
import type { Host } from './host.ts';
import type { Wait } from './input.ts';
import { LIMITS } from './limits.ts';
import type { Members } from './members.ts';
import type { Origin } from './message.ts';
import type { Peer } from './peer.ts';
import { CLOCK_RATE_ERROR } from './settings.ts';

interface Waiter {
  seq: number;
  readonly enough: number;
  readonly wanted: ReadonlySet<Origin>;
  readonly acked: Set<Origin>;
  readonly gone: Set<Origin>;
  readonly leaseAtMs: number;
  readonly timeoutAtMs: number;
}

/** The feature of a node that serves values past the bound on purpose; no lease speaks for it (BAR-3). */
export const SERVES_STALE = 'stale';

/**
 * Callers that wait until everybody has applied what they published (BAR-1 to BAR-4). It always ends:
 * when the bound has passed since the call, nobody can serve the old value any more, acknowledged or not.
 */
export class Barrier {
  readonly #host: Host;
  readonly #waiters = new Map<number, Waiter>();
  #dueAtMs = Number.POSITIVE_INFINITY;

  constructor(host: Host) {
    this.#host = host;
  }

  /** When to call `tick` next. */
  get dueAtMs(): number {
    return this.#dueAtMs;
  }

  wait(call: number, seq: number, wait: Wait, members: Members, boundMs: number): void {
    const wanted = new Set<Origin>();
    for (const peer of members.all()) wanted.add(peer.origin);
    const { monoMs } = this.#host.now;
    const waiter: Waiter = {
      seq,
      // Not to know everybody means that only the lease speaks for all.
      enough: wait.for !== 'all' ? Number(wait.for) : members.knowsAll ? wanted.size : Infinity,
      wanted,
      acked: new Set(),
      gone: new Set(),
      leaseAtMs: monoMs + boundMs * (1 + 2 * CLOCK_RATE_ERROR),
      timeoutAtMs: monoMs + (wait.timeoutMs ?? Number.POSITIVE_INFINITY),
    };
    this.#waiters.set(call, waiter);
    this.#dueAtMs = Math.min(this.#dueAtMs, waiter.leaseAtMs, waiter.timeoutAtMs);
    if (this.#waiters.size > LIMITS.waiters) this.#settle(call, waiter, 'local', members);
    else this.#check(call, waiter, members);
  }

  /** `origin` has heard everything of mine up to `contig`. */
  acknowledged(origin: Origin, contig: number, members: Members): void {
    for (const [call, waiter] of this.#waiters) {
      if (waiter.seq > contig || !waiter.wanted.has(origin)) continue;
      if (waiter.gone.has(origin)) continue;
      waiter.acked.add(origin);
      this.#check(call, waiter, members);
    }
  }

  /** `origin` said bye: it serves nothing any more. */
  left(origin: Origin, members: Members): void {
    for (const [call, waiter] of this.#waiters) {
      // Nobody is counted twice: who has acknowledged already stays acknowledged.
      if (!waiter.wanted.has(origin) || waiter.acked.has(origin)) continue;
      waiter.gone.add(origin);
      this.#check(call, waiter, members);
    }
  }

  /**
   * Ends the waits whose time has come. The lease is counted on the monotonic clock, which no step and no
   * suspension can hurry (BAR-2).
   */
  tick(members: Members): void {
    const { monoMs } = this.#host.now;
    if (monoMs < this.#dueAtMs) return;
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    for (const [call, waiter] of this.#waiters) {
      const { leaseAtMs, timeoutAtMs } = waiter;
      if (monoMs >= leaseAtMs) this.#settle(call, waiter, 'lease', members);
      else if (monoMs >= timeoutAtMs) this.#settle(call, waiter, 'timeout', members);
      else this.#dueAtMs = Math.min(this.#dueAtMs, leaseAtMs, timeoutAtMs);
    }
  }

  /** The numbers that are waited for belong to an origin that is no more: only the lease ends these waits. */
  leaseOnly(): void {
    for (const waiter of this.#waiters.values()) waiter.seq = Number.POSITIVE_INFINITY;
  }

  /** Ends every wait: this node leaves. */
  end(members: Members): void {
    for (const [call, waiter] of this.#waiters) this.#settle(call, waiter, 'local', members);
  }

  #check(call: number, waiter: Waiter, members: Members): void {
    if (waiter.acked.size + waiter.gone.size >= waiter.enough)
      this.#settle(call, waiter, 'acks', members);
  }

  #settle(call: number, waiter: Waiter, by: CallResult['by'], members: Members): void {
    this.#waiters.delete(call);
    const acked = [...waiter.acked];
    const late = [...waiter.wanted].filter(
      (one) => !waiter.acked.has(one) && !waiter.gone.has(one),
    );
    const excepted = [...members.all()].filter((peer) => this.#isExcepted(peer));
    const missing =
      by === 'lease' ? [...new Set([...late, ...excepted.map(({ origin }) => origin)])] : late;
    this.#host.emit({ type: 'settle', call, result: { by, acked, missing } });
  }

  /** No lease of ours speaks for it: we do not understand it, it serves past the bound, or its bound is longer (BAR-3). */
  #isExcepted({ opaque, features, config }: Peer): boolean {
    const { maxStalenessMs } = this.#host.settings;
    const longer = config !== undefined && config.maxStalenessMs > maxStalenessMs;
    return opaque || longer || features.includes(SERVES_STALE);
  }
}
