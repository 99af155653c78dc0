import type { Readable } from 'node:stream';

/**
 * Reads the body of a STOMP frame to its end, since the next one comes only then, and keeps no more than `maxBytes`.
 * `done` is called once, unless the connection ends in between.
 */
export function readBody(
  frame: Readable,
  maxBytes: number,
  done: (body: { readonly bytes: Buffer; readonly total: number }) => void,
): void {
  const chunks: Buffer[] = [];
  let total = 0;
  let kept = 0;
  frame.on('data', (chunk: Buffer) => {
    total += chunk.length;
    if (kept >= maxBytes) return;
    const part = chunk.subarray(0, maxBytes - kept);
    chunks.push(part);
    kept += part.length;
  });
  frame.once('end', () => {
    const [only, ...more] = chunks;
    const bytes = only !== undefined && more.length === 0 ? only : Buffer.concat(chunks);
    done({ bytes, total });
  });
}
