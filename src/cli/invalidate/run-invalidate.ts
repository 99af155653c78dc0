import { SingleBar } from 'cli-progress';
import { type Cluster, type ClusterSelection, type InvalidationResult } from '../../index.ts';
import { busesFor, configurationOf, joinFor } from '../cluster-flags.ts';
import type { InvalidateFlags } from '../invalidate.ts';
import type { Surroundings } from '../program.ts';
import { usageError, UserError } from '../user-error.ts';
import { chunksOf, readIds } from './read-ids.ts';
import { deadline } from '../deadline.ts';

/** Keys of one call: enough to fill frames, few enough that memory does not grow with the input. */
const CHUNK_KEYS = 5_000;

/** How long to wait until the others count on this process, before acknowledgements are asked for, in ms. */
const READY_WITHIN_MS = 5_000;

/** From how many keys on progress is shown. */
const PROGRESS_FROM = 2 * CHUNK_KEYS;

interface Outcome {
  keys: number;
  results: Record<InvalidationResult['by'], number>;
  acked: Set<string>;
  missing: Set<string>;
}

/** Joins, invalidates what is asked for in bounded memory, and leaves. */
export async function runInvalidate(
  keys: readonly string[],
  flags: InvalidateFlags,
  { out, err, signal }: Surroundings,
): Promise<void> {
  checkUse(keys, flags);
  const { configuration } = await configurationOf(flags, { label: `cli-${process.pid}` });
  const buses = await busesFor(configuration, configuration.label);
  const within = deadline(signal, flags.timeout * 1_000);
  const cluster = await joinFor(configuration, { ...buses, signal: within });
  try {
    if (flags.ack !== 'bus') await untilReady(cluster, signal);
    const outcome = await invalidateAll(cluster, keys, flags, { err, signal });
    if (flags.json === true) out.write(`${JSON.stringify(asJson(outcome))}\n`);
    else out.write(describe(outcome));
    if (outcome.results.local + outcome.results.timeout > 0) {
      throw new UserError('not everything was accepted; run it again, which does no harm');
    }
  } finally {
    await cluster.close();
  }
}

function checkUse(keys: readonly string[], flags: InvalidateFlags): void {
  const { tag = [], prefix = [], all } = flags;
  if (all === true && keys.length + tag.length + prefix.length > 0) {
    throw usageError('--all names everything already; leave the rest out');
  }
  if (all !== true && keys.length + tag.length + prefix.length === 0) {
    throw usageError('name what has changed: keys, --tag, --prefix or --all');
  }
}

/** The acknowledgement of all means most once we know whom to ask; a cluster that is silent ends the wait. */
async function untilReady(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const within = deadline(signal, READY_WITHIN_MS);
  await cluster.ready({ signal: within }).catch(() => undefined);
  signal.throwIfAborted();
}

async function invalidateAll(
  cluster: Cluster,
  keys: readonly string[],
  flags: InvalidateFlags,
  { err, signal }: Pick<Surroundings, 'err' | 'signal'>,
): Promise<Outcome> {
  const outcome: Outcome = {
    keys: 0,
    results: { local: 0, bus: 0, acks: 0, lease: 0, timeout: 0 },
    acked: new Set(),
    missing: new Set(),
  };
  const { region, tag, prefix, all, ack, timeout } = flags;
  const where = region === undefined ? {} : { region };
  const once = async (what: ClusterSelection): Promise<void> => {
    const options = { ack, timeoutMs: timeout * 1_000, signal };
    const result = await cluster.invalidate({ ...where, ...what }, options).catch(refused);
    outcome.results[result.by] += 1;
    for (const node of result.acked) outcome.acked.add(node);
    for (const node of result.missing) outcome.missing.add(node);
  };
  if (all === true) await once({ all: true });
  if (tag !== undefined || prefix !== undefined) {
    await once({ ...(tag && { tags: tag }), ...(prefix && { prefixes: prefix }) });
  }
  const bar = new SingleBar({
    format: '{value} keys, {duration_formatted}',
    stream: process.stderr,
  });
  let shown = false;
  try {
    for await (const chunk of chunksOf(readIds(keys, process.stdin, signal), CHUNK_KEYS)) {
      await once({ keys: chunk });
      outcome.keys += chunk.length;
      if (!err.isTerminal || outcome.keys < PROGRESS_FROM) continue;
      if (!shown) bar.start(outcome.keys, 0);
      shown = true;
      bar.setTotal(outcome.keys);
      bar.update(outcome.keys);
    }
  } finally {
    if (shown) bar.stop();
  }
  return outcome;
}

/** What a name may be is known to the cluster, and a wrong one is the person's to mend. */
function refused(error: unknown): never {
  throw error instanceof TypeError ? usageError(error.message) : error;
}

function asJson(outcome: Outcome): object {
  const { keys, results, acked, missing } = outcome;
  return { keys, results, acked: [...acked], missing: [...missing] };
}

function describe({ keys, results, acked, missing }: Outcome): string {
  const ways = Object.entries(results)
    .filter(([, calls]) => calls > 0)
    .map(([by]) => by)
    .join(', ');
  const who = acked.size > 0 ? `; applied by ${[...acked].join(', ')}` : '';
  const not = missing.size > 0 ? `; not known of ${[...missing].join(', ')}` : '';
  return `${keys === 0 ? 'done' : `${keys} ${keys === 1 ? 'key' : 'keys'}`}: ${ways || 'nothing to do'}${who}${not}\n`;
}
