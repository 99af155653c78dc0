import { seededRandom } from './seeded-random.ts';

/** What the workload consists of. The same options make the same reads and saves. */
export interface WorkloadOptions {
  readonly seed: number;
  readonly ids: readonly string[];
  readonly servers: number;
  readonly seconds: number;
  /** Reads per second. */
  readonly rate: number;
  /** Saves per second. */
  readonly writes: number;
}

export interface PlannedRead {
  /** Since the start, in ms. */
  readonly atMs: number;
  readonly server: number;
  readonly id: string;
}

export interface PlannedSave extends PlannedRead {
  readonly body: string;
}

/** How much more often the popular resources are read, and saved, than the others: 0 is evenly, 1 is Zipf's law. */
const READS_EXPONENT = 1;
const SAVES_EXPONENT = 0.5;

/** Reads arrive at random (Poisson); which resource, says a Zipf distribution: few are read often, most seldom. */
export function* plannedReads(options: WorkloadOptions): Generator<PlannedRead> {
  const random = seededRandom(options.seed, 'reads');
  const popular = popularityOf(options);
  const cumulative = zipf(popular.length, READS_EXPONENT);
  for (const atMs of arrivals(random, options.rate, options.seconds)) {
    const server = Math.floor(random() * options.servers);
    yield { atMs, server, id: popular[rankAt(cumulative, random())] ?? '' };
  }
}

/** Saves come at a steady pace; what is popular changes more often than the rest, but less markedly so. */
export function* plannedSaves(options: WorkloadOptions): Generator<PlannedSave> {
  const random = seededRandom(options.seed, 'saves');
  const popular = popularityOf(options);
  const cumulative = zipf(popular.length, SAVES_EXPONENT);
  const count = Math.round(options.writes * options.seconds);
  for (let index = 0; index < count; index += 1) {
    const atMs = ((index + random()) / count) * options.seconds * 1_000;
    const server = Math.floor(random() * options.servers);
    const id = popular[rankAt(cumulative, random())] ?? '';
    yield { atMs, server, id, body: `save ${index + 1} of the demo, seed ${options.seed}\n` };
  }
}

/** The ids, the most popular one first: drawn by lot, so that it does not depend on the alphabet. */
export function popularityOf({ seed, ids }: Pick<WorkloadOptions, 'seed' | 'ids'>): string[] {
  const random = seededRandom(seed, 'popularity');
  return ids
    .map((id) => ({ id, lot: random() }))
    .toSorted((one, other) => one.lot - other.lot)
    .map(({ id }) => id);
}

function* arrivals(random: () => number, perSecond: number, seconds: number): Generator<number> {
  const meanMs = 1_000 / perSecond;
  for (let atMs = 0; ;) {
    atMs -= Math.log(1 - random()) * meanMs;
    if (atMs >= seconds * 1_000) return;
    yield atMs;
  }
}

/** For each rank the chance that it or a more popular one is drawn; the chance of rank r goes with r to the power of -exponent. */
function zipf(count: number, exponent: number): Float64Array {
  const cumulative = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank += 1) {
    sum += (rank + 1) ** -exponent;
    cumulative[rank] = sum;
  }
  return cumulative.map((value) => value / sum);
}

function rankAt(cumulative: Float64Array, draw: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cumulative[middle] ?? 1) <= draw) low = middle + 1;
    else high = middle;
  }
  return low;
}
