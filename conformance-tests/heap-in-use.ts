import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes on the heap that are really held: garbage is collected first. */
export function heapInUse(): number {
  // `--expose-gc` at run time, so that nobody has to start the tests in a special way.
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  return process.memoryUsage().heapUsed;
}
