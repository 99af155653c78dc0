import type { NameKind } from '../protocol/batch.ts';
import { LIMITS } from '../protocol/limits.ts';
import { EVERY_REGION, type ByRegion, type Selection } from '../protocol/selection.ts';
import type { CacheSelection } from './cache-options.ts';

/** @throws {TypeError} if `key` is not a string of 1 to 1,024 UTF-16 units */
export function checkKey(key: unknown): string {
  return checkName('key', key);
}

/** @throws {TypeError} if `region` is not a string of 1 to 128 UTF-16 units, or is `*` */
export function checkRegion(region: unknown): string {
  if (region === EVERY_REGION) {
    throw new TypeError('a region cannot be named "*": that means every region');
  }
  return check('the name of a region', region, LIMITS.regionLength);
}

/** A key, a tag or a prefix: 1 to 1,024 UTF-16 units. @throws {TypeError} */
export function checkName(what: 'key' | 'tag' | 'prefix', name: unknown): string {
  return check(`a ${what}`, name, LIMITS.keyLength);
}

/** One name or many. @throws {TypeError} as `checkKey` */
export function checkNames(what: 'key' | 'tag' | 'prefix', names: unknown): readonly string[] {
  if (typeof names === 'string') return [checkName(what, names)];
  const one = `a ${what}`;
  if (!isIterable(names)) {
    throw new TypeError(`expected ${one}, or an iterable of them, got ${kindOf(names)}`);
  }
  return Array.from(names, (name) => checkName(what, name));
}

/** Names without more are keys. */
export function selectionOf(what: string | Iterable<string> | CacheSelection): CacheSelection {
  const named = typeof what === 'object' && what !== null && !(Symbol.iterator in what);
  return named ? what : { keys: what };
}

type Named = { [Kind in NameKind]?: ByRegion };

/** What is named, within `region`. @throws {TypeError} as `checkNames` */
export function selectIn(region: string, named: CacheSelection): Selection {
  const selection: Named = {};
  if (named.keys !== undefined) listed(selection, 'keys', region, checkNames('key', named.keys));
  if (named.tags !== undefined) listed(selection, 'tags', region, checkNames('tag', named.tags));
  if (named.prefixes !== undefined) {
    listed(selection, 'prefixes', region, checkNames('prefix', named.prefixes));
  }
  return selection;
}

/** Done for every single call: a literal with a computed name and spreads would cost three times as much. */
function listed(selection: Named, kind: NameKind, region: string, names: readonly string[]): void {
  if (names.length > 0) selection[kind] = byRegion(region, names);
}

function byRegion(region: string, names: readonly string[]): ByRegion {
  // An assigned `__proto__` would be no property of its own; a computed one is.
  if (region === '__proto__') return { [region]: names };
  const lists: Record<string, readonly string[]> = {};
  lists[region] = names;
  return lists;
}

/** What to drop, in one region or in all of them. */
export interface ClusterSelection extends CacheSelection {
  /** Default: every region. */
  readonly region?: string;
  /** The whole region, or everything where no region is given. */
  readonly all?: boolean;
}

/** @throws {TypeError} as `checkNames` */
export function selectAcross(what: ClusterSelection): Selection {
  const region = what.region === undefined ? EVERY_REGION : checkRegion(what.region);
  if (what.all === true) return region === EVERY_REGION ? { all: true } : { regions: [region] };
  return selectIn(region, what);
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function check(what: string, name: unknown, limit: number): string {
  if (typeof name !== 'string')
    throw new TypeError(`${what} must be a string, got ${kindOf(name)}`);
  if (name.length === 0) throw new TypeError(`${what} must not be empty`);
  if (name.length > limit) {
    throw new TypeError(
      `${what} has at most ${limit} characters, got ${name.length}; hash longer ones`,
    );
  }
  return name;
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
