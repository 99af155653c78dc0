import type { BenchOptions } from './bench-options.ts';
import { faultsPart } from './peers/faults-part.ts';
import { BUSES, startGrounds, type Grounds } from './peers/grounds.ts';
import { hitPart } from './peers/hit-part.ts';
import { latencyPart } from './peers/latency-part.ts';
import type { Part } from './peers/part.ts';
import { throughputPart } from './peers/throughput-part.ts';
import type { BenchReport } from './report.ts';
import { PEERS } from './rig/peer-cache.ts';
import { versionsOf } from './rig/versions.ts';

const QUESTION =
  'How do the libraries for the same purpose do, with their Redis buses: throughput, latency, hits, faults?';

const PARTS: Readonly<Record<string, (grounds: Grounds, options: BenchOptions) => Promise<Part>>> =
  {
    throughput: throughputPart,
    latency: latencyPart,
    hit: hitPart,
    faults: faultsPart,
  };

const NOTE =
  'All keep entries in the memory of each process and tell each other by a bus, without a second level. bentocache, ' +
  'layered-loader and cacheable use Redis pub/sub. bentocache asks for ioredis 5, and runs on the ioredis 6 of all the others.';

/** `only` may name buses of ours (default: all four) and parts of the bench (default: all four). */
export async function run(options: BenchOptions = {}): Promise<BenchReport> {
  const { only, onProgress } = options;
  await using grounds = await startGrounds(wanted(BUSES, only), onProgress);
  const parts: Part[] = [];
  for (const name of wanted(Object.keys(PARTS), only)) {
    const part = await PARTS[name]?.(grounds, options);
    if (part !== undefined) parts.push(part);
  }
  return {
    question: QUESTION,
    versions: versionsOf([...PEERS, '@qified/redis', 'redis']),
    tables: parts.map(({ table }) => table),
    notes: [NOTE, ...parts.map(({ note }) => note)],
    verdicts: parts.flatMap(({ verdicts }) => verdicts),
  };
}

/** Those that are named; all, if none is. */
function wanted<Name extends string>(
  all: readonly Name[],
  only: readonly string[] | undefined,
): readonly Name[] {
  const named = all.filter((name) => only?.includes(name));
  return named.length === 0 ? all : named;
}
