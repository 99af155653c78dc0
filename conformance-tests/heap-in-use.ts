import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/** Bytes on the heap that are really held: garbage is collected first. */
export function heapInUse(): number {
  collect ??= collector();
  collect();
  return process.memoryUsage().heapUsed;
}

/** Node's own where it was started with `--expose-gc`, as our own runs are; otherwise switched on once, now. */
function collector(): () => void {
  const given = globalThis.gc;
  if (given !== undefined) {
    return () => {
      given();
    };
  }
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('gc');
  return () => {
    if (typeof found === 'function') found();
  };
}
