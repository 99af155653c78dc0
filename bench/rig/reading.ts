import type { Side } from '../measure.ts';

/** What is read. */
export interface Article {
  readonly id: number;
}

/** What a read comes to. */
export type Found = Article | null | undefined;

/** Reads that answer at once. */
export function sync(name: string, keys: readonly string[], read: (key: string) => Found): Side {
  let next = 0;
  return {
    name,
    run: (operations) => {
      let sum = 0;
      const end = next + operations;
      for (; next < end; next += 1) sum += read(keys[next % keys.length] ?? '')?.id ?? Number.NaN;
      return checked(sum);
    },
  };
}

/** Reads that are awaited, one after the other. */
export function awaited(
  name: string,
  keys: readonly string[],
  read: (key: string) => Promise<Found>,
): Side {
  return {
    name,
    run: async (operations) => {
      let sum = 0;
      for (let index = 0; index < operations; index += 1) {
        sum += (await read(keys[index % keys.length] ?? ''))?.id ?? Number.NaN;
      }
      return checked(sum);
    },
  };
}

/** A miss would be cheap, and must not pass for a hit. */
function checked(sum: number): number {
  if (Number.isNaN(sum)) throw new Error('a read was no hit');
  return sum;
}

/** As people read: the second most popular half as often as the first, and so on; in an order that is the same in every run. */
export function zipf(keys: readonly string[], operations: number): readonly string[] {
  let state = 42;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const upTo: number[] = [];
  let sum = 0;
  for (const index of keys.keys()) upTo.push((sum += 1 / (index + 1)));
  return Array.from({ length: operations }, () => {
    const drawn = random() * sum;
    let low = 0;
    for (let high = keys.length - 1; low < high;) {
      const middle = Math.floor((low + high) / 2);
      if ((upTo[middle] ?? 0) < drawn) low = middle + 1;
      else high = middle;
    }
    return keys[low] ?? '';
  });
}
