/** Below so many slots a table is too small to matter. */
const SMALL = 64;

/**
 * A table is made anew when less of it is in use. A little below the half, so that a size that goes up and
 * down around a power of two does not make it anew each time.
 */
export const SHRINK_AT: number = 7 / 16;

/** How many slots V8 takes for a Map or a Set of `size`; `0` for small ones, which are left alone. */
export function slotsFor(size: number): number {
  return size < SMALL ? 0 : 2 ** Math.ceil(Math.log2(size));
}
