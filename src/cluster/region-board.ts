import type { Cause } from '../protocol/effect.ts';
import { EVERY_REGION, type ByRegion, type Selection } from '../protocol/selection.ts';
import type { RegionSelection, RegionTarget, RegionTrust } from './region.ts';

/** Which targets hold values of which region here, and what each region may trust. */
export class RegionBoard {
  readonly #targets = new Map<string, Set<RegionTarget>>();
  readonly #trust = new Map<string, RegionTrust>();
  #boundMs: number;

  constructor(boundMs: number) {
    this.#boundMs = boundMs;
  }

  add(region: string, target: RegionTarget): RegionTrust {
    const targets = this.#targets.get(region) ?? new Set();
    targets.add(target);
    this.#targets.set(region, targets);
    const trust = this.#trust.get(region) ?? { proofMs: -Infinity, boundMs: this.#boundMs };
    this.#trust.set(region, trust);
    return trust;
  }

  has(region: string): boolean {
    return this.#targets.has(region);
  }

  prove(region: string, proofMs: number): void {
    const trust = this.#trust.get(region);
    if (trust !== undefined) trust.proofMs = proofMs;
  }

  bound(boundMs: number): void {
    this.#boundMs = boundMs;
    for (const trust of this.#trust.values()) trust.boundMs = boundMs;
  }

  apply(selection: Selection, cause: Cause): void {
    if (selection.all === true) {
      this.flush('all', cause);
      return;
    }
    if (selection.regions !== undefined) this.flush(selection.regions, cause);
    for (const [region, targets] of this.#targets) {
      const part = partOf(selection, region);
      if (part === undefined) continue;
      for (const target of targets) target.drop(part, cause);
    }
  }

  flush(regions: readonly string[] | 'all', cause: Cause): void {
    for (const region of regions === 'all' ? this.#targets.keys() : regions) {
      for (const target of this.#targets.get(region) ?? []) target.flush(cause);
    }
  }

  quarantine(guard: number, selection: Selection): void {
    for (const [region, targets] of this.#targets) {
      const part = partOf(selection, region);
      if (part === undefined) continue;
      for (const target of targets) target.quarantine(guard, part);
    }
  }

  lift(guard: number): void {
    for (const targets of this.#targets.values()) for (const target of targets) target.lift(guard);
  }
}

/** The part of a selection that concerns a region of this node. */
function partOf(selection: Selection, region: string): RegionSelection | undefined {
  const keys = listOf(selection.keys, region);
  const tags = listOf(selection.tags, region);
  const prefixes = listOf(selection.prefixes, region);
  return keys.length + tags.length + prefixes.length > 0 ? { keys, tags, prefixes } : undefined;
}

const NONE: readonly string[] = [];

function listOf(lists: ByRegion | undefined, region: string): readonly string[] {
  if (lists === undefined) return NONE;
  const own = Object.hasOwn(lists, region) ? lists[region] : undefined;
  const every = Object.hasOwn(lists, EVERY_REGION) ? lists[EVERY_REGION] : undefined;
  return own === undefined || every === undefined ? (own ?? every ?? NONE) : [...own, ...every];
}
