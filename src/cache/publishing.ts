import type { ClusterNode } from '../cluster/node.ts';
import type { Wait } from '../protocol/input.ts';
import type { Selection } from '../protocol/selection.ts';
import { CacheError } from './cache-error.ts';
import type { InvalidateOptions, InvalidationResult, WriteOptions } from './cache-options.ts';
import { selectIn } from './names.ts';
import { traced, type TracedCall } from './tracing.ts';

/** Keys that a write changes: known before it, or a function of what it returns. */
export type WrittenKeys<Result> =
  string | Iterable<string> | ((result: Result) => string | Iterable<string>);

/** What a guarded write invalidates: known before it, known from its result, or all that is certain. */
interface WriteSelection<Result> {
  readonly before: Selection;
  readonly after: (result: Result) => Selection;
  readonly unknown: Selection;
}

/** How caches, and whoever has none, tell the others what has changed. */
export class Publishing {
  readonly #node: ClusterNode;

  constructor(node: ClusterNode) {
    this.#node = node;
  }

  /**
   * What `select` names. No async function: its promises would cost more than all the rest.
   * @throws what `select` throws; {TypeError} for a bad option; the reason of the caller's signal. All of them as rejections
   */
  invalidate(select: () => Selection, options: InvalidateOptions): Promise<InvalidationResult> {
    try {
      return this.#invalidate(select(), options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #invalidate(selection: Selection, options: InvalidateOptions): Promise<InvalidationResult> {
    const wait = waitOf(options);
    const { signal } = options;
    this.#refuseWhenClosed();
    signal?.throwIfAborted();
    const call: TracedCall = { selection };
    return traced('unstale:invalidate', call, () => {
      const published = this.#node.invalidate(selection, wait, call.traceparent);
      return signal === undefined ? published : unlessAborted(published, signal);
    });
  }

  invalidateLocal(selection: Selection): void {
    this.#node.applyLocally(selection);
  }

  /**
   * A guarded write (PUB-7). `onReserved` is told the guard of a write whose keys are not known yet.
   * @throws what `write` throws; {TypeError} for a bad key or option; {CacheError} `CACHE_CLOSED`
   */
  async write<Result>(
    region: string,
    keys: WrittenKeys<Result>,
    write: () => Result | Promise<Result>,
    options: WriteOptions,
    onReserved?: (guard: number) => void,
  ): Promise<Result> {
    const wait = waitOf(options);
    const selection = writeSelection(region, keys);
    this.#refuseWhenClosed();
    options.signal?.throwIfAborted();
    const guard = this.#node.reserve(selection.before);
    const call: TracedCall = { selection: selection.before };
    if (typeof keys === 'function') onReserved?.(guard);
    // Whatever happens to `write`, the number that was reserved for it is published: others wait for it.
    let changed = selection.unknown;
    try {
      return await traced('unstale:write', call, async () => {
        const result = await write();
        changed = selection.after(result);
        return result;
      });
    } catch (error) {
      if (options.unchangedIf?.(error) === true) changed = {};
      throw error;
    } finally {
      // The write itself is done: a caller who gives up now still gets its result.
      const published = this.#node.release(guard, changed, wait, call.traceparent);
      const result = await untilAborted(published, options.signal);
      if (result !== undefined) options.published?.(result);
    }
  }

  #refuseWhenClosed(): void {
    if (!this.#node.ended) return;
    throw new CacheError(
      'CACHE_CLOSED',
      'the cluster was closed: nothing can be published any more',
    );
  }
}

function writeSelection<Result>(region: string, keys: WrittenKeys<Result>): WriteSelection<Result> {
  if (typeof keys === 'function') {
    const after = (result: Result): Selection => selectIn(region, { keys: keys(result) });
    return { before: {}, after, unknown: { regions: [region] } };
  }
  const selection = selectIn(region, { keys });
  return { before: selection, after: () => selection, unknown: selection };
}

const FOR_BUS: Wait = { for: 'bus' };

function waitOf(options: InvalidateOptions): Wait {
  const { ack = 'bus', timeoutMs } = options;
  if (ack === 'bus' && timeoutMs === undefined) return FOR_BUS;
  if (ack !== 'bus' && ack !== 'all' && !(Number.isSafeInteger(ack) && ack >= 1)) {
    throw new TypeError(
      `ack must be "bus", "all" or a number of members from 1, got ${String(ack)}`,
    );
  }
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 0)) {
    throw new TypeError(`timeoutMs must be a number of ms from 0, got ${String(timeoutMs)}`);
  }
  return timeoutMs === undefined ? { for: ack } : { for: ack, timeoutMs };
}

/** @throws the reason of the abort */
async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const result = await untilAborted(work, signal);
  if (result === undefined) throw signal.reason;
  return result;
}

/** Waits for `work`, or until the caller gives up; `work` goes on all the same. */
async function untilAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result | undefined> {
  if (signal === undefined) return await work;
  return await new Promise((resolve, reject) => {
    const onAbort = (): void => {
      resolve(undefined);
    };
    const unfollow = (): void => {
      signal.removeEventListener('abort', onAbort);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject);
    work.then(unfollow, unfollow);
  });
}
