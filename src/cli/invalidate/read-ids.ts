import { addAbortSignal, type Readable } from 'node:stream';
import { usageError } from '../user-error.ts';

/** No id is nearly as long; a line without end must not fill the memory. */
const MAX_LINE_CHARS = 65_536;

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
    try {
      yield* linesOf(addAbortSignal(signal, input));
    } finally {
      // It says "The operation was aborted", and not by what.
      signal.throwIfAborted();
    }
  }
}

async function* linesOf(input: Readable): AsyncIterable<string> {
  let rest = '';
  for await (const chunk of input.setEncoding('utf8')) {
    const lines = `${rest}${String(chunk)}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const id = line.replace(/\r$/, '');
      if (id !== '') yield id;
    }
    if (rest.length > MAX_LINE_CHARS) {
      throw usageError(`a line of standard input has more than ${MAX_LINE_CHARS} characters`);
    }
  }
  if (rest !== '') yield rest.replace(/\r$/, '');
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
