import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** The ids on the command line; `-` stands for those on `input`, one a line, empty lines left out. */
export async function* readIds(
  keys: readonly string[],
  input: Readable,
  signal: AbortSignal,
): AsyncIterable<string> {
  for (const key of keys) {
    if (key !== '-') {
      yield key;
      continue;
    }
    const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY, signal });
    for await (const line of lines) if (line.length > 0) yield line;
    signal.throwIfAborted();
  }
}

/** Lists of `size` items, the last one shorter. */
export async function* chunksOf<Item>(
  items: AsyncIterable<Item>,
  size: number,
): AsyncIterable<readonly Item[]> {
  let chunk: Item[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
