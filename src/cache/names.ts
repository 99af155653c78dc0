import { LIMITS } from '../protocol/limits.ts';
import { EVERY_REGION } from '../protocol/selection.ts';

/** @throws {TypeError} if `key` is not a string of 1 to 1,024 UTF-16 units */
export function checkKey(key: unknown): string {
  return check('a key', key, LIMITS.keyLength);
}

/** @throws {TypeError} if `region` is not a string of 1 to 128 UTF-16 units, or is `*` */
export function checkRegion(region: unknown): string {
  if (region === EVERY_REGION)
    throw new TypeError('a region cannot be named "*": that means every region');
  return check('the name of a region', region, LIMITS.regionLength);
}

/** One key or many. @throws {TypeError} as `checkKey` */
export function checkKeys(keys: string | Iterable<string>): readonly string[] {
  if (typeof keys === 'string') return [checkKey(keys)];
  if (typeof keys !== 'object' || keys === null || !(Symbol.iterator in keys)) {
    throw new TypeError(`keys must be a string or an iterable of strings, got ${String(keys)}`);
  }
  return Array.from(keys, checkKey);
}

function check(what: string, name: unknown, limit: number): string {
  if (typeof name !== 'string') {
    throw new TypeError(`${what} must be a string, got ${name === null ? 'null' : typeof name}`);
  }
  if (name.length === 0) throw new TypeError(`${what} must not be empty`);
  if (name.length > limit) {
    throw new TypeError(
      `${what} has at most ${limit} characters, got ${name.length}; hash longer ones`,
    );
  }
  return name;
}
