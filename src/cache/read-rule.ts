import type { RegionTrust } from '../cluster/region.ts';

/** What a cache does while it cannot prove that it has heard everything (READ-2). */
export type OnUnproven = 'ttl' | 'bypass' | 'stale' | 'flush';

/** Whether a value may be served, by its age and by what is proven (READ-1). */
export class ReadRule {
  readonly #onUnproven: OnUnproven;
  readonly #heldSince = new Map<number, number>();
  #trust: RegionTrust = { proofMs: Number.NEGATIVE_INFINITY, boundMs: 0 };
  #heldSinceMs: number = Number.POSITIVE_INFINITY;

  constructor(onUnproven: OnUnproven) {
    this.#onUnproven = onUnproven;
  }

  /** What reads may trust; kept current by the node. */
  follow(trust: RegionTrust): void {
    this.#trust = trust;
  }

  /**
   * A write of this node is under way that will say only at its end what it has changed. No proof that
   * comes from the others speaks of it, so that none counts past its beginning.
   */
  hold(guard: number, nowMs: number): void {
    this.#heldSince.set(guard, nowMs);
    this.#heldSinceMs = Math.min(this.#heldSinceMs, nowMs);
  }

  lift(guard: number): void {
    if (this.#heldSince.delete(guard)) this.#heldSinceMs = Math.min(...this.#heldSince.values());
  }

  /** The local time up to which everything that concerns this region is known to be applied, in ms. */
  get provenUntilMs(): number {
    return Math.min(this.#trust.proofMs, this.#heldSinceMs);
  }

  /** The staleness bound in force, in ms. */
  get boundMs(): number {
    return this.#trust.boundMs;
  }

  isProven(nowMs: number): boolean {
    return nowMs - this.provenUntilMs < this.#trust.boundMs;
  }

  /** Whether a cached value may be served. */
  serves(loadStartMs: number, nowMs: number): boolean {
    if (this.isProven(nowMs)) return true;
    switch (this.#onUnproven) {
      case 'ttl':
      case 'flush':
        return nowMs - loadStartMs < this.#trust.boundMs;
      case 'bypass':
        return false;
      case 'stale':
        return true;
    }
  }

  /** Whether a value is so young that it needs no proof. */
  isYoung(loadStartMs: number, nowMs: number): boolean {
    return nowMs - loadStartMs < this.#trust.boundMs;
  }

  /** Whether a reader may be given what was loaded from `loadStartMs` on, without its being cached: with every policy, if it is young. */
  shares(loadStartMs: number, nowMs: number): boolean {
    return this.isYoung(loadStartMs, nowMs) || this.serves(loadStartMs, nowMs);
  }

  /**
   * Whether a value can soon be served no more for want of proof, so that loading it anew helps. In good
   * order a proof is renewed long before: only the last quarter of the bound counts, however far ahead one looks.
   */
  nearsEnd(loadStartMs: number, aheadMs: number, nowMs: number): boolean {
    const { boundMs } = this.#trust;
    if (this.#onUnproven === 'bypass' || this.#onUnproven === 'stale') return false;
    const leftMs = Math.max(loadStartMs, this.provenUntilMs) + boundMs - nowMs;
    return leftMs < Math.min(aheadMs, boundMs / 4);
  }
}
