import { createHash } from 'node:crypto';

/**
 * Evenly from 0 to 1, the same for the same seed and stream: sfc32 (Chris Doty-Humphrey, PractRand, public domain).
 * Streams are apart, so that drawing more from one does not shift another.
 */
export function seededRandom(seed: number, stream: string): () => number {
  const state = createHash('sha256').update(`${seed} ${stream}`).digest();
  let a = state.readInt32LE(0);
  let b = state.readInt32LE(4);
  let c = state.readInt32LE(8);
  let counter = 1;
  return () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
}
