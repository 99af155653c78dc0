import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Table } from './report.ts';

/** One side of a comparison: does its work `operations` times. */
export interface Side {
  readonly name: string;
  readonly run: (operations: number) => unknown;
}

/** What was measured of one side. */
export interface Figure {
  readonly name: string;
  /** Nanoseconds of processor time for one operation, the median of the rounds. */
  readonly medianNs: number;
  /** The medians of the lower and of the upper half of the rounds. */
  readonly quartilesNs: readonly [number, number];
  /** Against the first side, round by round, so that what slows both does not count; the median. */
  readonly ratio: number;
}

/**
 * Measures the sides in turns, round after round, so that each of them sees the same machine. The first
 * rounds only warm up.
 */
export async function measure(
  sides: readonly Side[],
  options: { readonly operations: number; readonly rounds: number },
): Promise<readonly Figure[]> {
  const { operations, rounds } = options;
  const warmUps = 3;
  const costs = sides.map((): number[] => []);
  for (let round = -warmUps; round < rounds; round += 1) {
    for (const [index, side] of sides.entries()) {
      // Otherwise everything would run in one turn of the event loop, and nothing else in the process.
      await setImmediate();
      const before = process.cpuUsage();
      await side.run(operations);
      // The time of the processor, not of the clock: who else uses the machine then matters less.
      const { user, system } = process.cpuUsage(before);
      const ns = ((user + system) * 1_000) / operations;
      if (round >= 0) costs[index]?.push(ns);
    }
  }
  return figures(sides, costs);
}

function figures(sides: readonly Side[], costs: readonly (readonly number[])[]): readonly Figure[] {
  const [first = []] = costs;
  return sides.map(({ name }, index) => {
    const own = costs[index] ?? [];
    const ratios = own.map((ns, round) => ns / (first[round] ?? ns));
    return {
      name,
      medianNs: quantile(own, 0.5),
      quartilesNs: [quantile(own, 0.25), quantile(own, 0.75)],
      ratio: quantile(ratios, 0.5),
    };
  });
}

/** Calls in one round of `measureSparse`, and how many rounds. */
const SPARSE_CALLS = 100;
const SPARSE_ROUNDS = 15;

/**
 * Measures single calls, each more than a millisecond after the last, as a server makes them that is not
 * saturated. By the clock, and with one reading of it: what both cost is the same for all sides.
 */
export async function measureSparse(sides: readonly Side[]): Promise<readonly Figure[]> {
  const costs = sides.map((): number[] => []);
  for (let round = 0; round < SPARSE_ROUNDS; round += 1) {
    for (const [index, side] of sides.entries()) {
      const own: number[] = [];
      for (let call = 0; call < SPARSE_CALLS; call += 1) {
        await setTimeout(2);
        const startNs = process.hrtime.bigint();
        void side.run(1);
        own.push(Number(process.hrtime.bigint() - startNs));
      }
      costs[index]?.push(quantile(own, 0.5));
    }
  }
  return figures(sides, costs);
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

/** What was measured of each side, as a table. */
export function tableOf(title: string, measured: readonly Figure[]): Table {
  return {
    title,
    head: ['', 'ns', 'quartiles', 'ratio'],
    rows: measured.map(({ name, medianNs, quartilesNs, ratio }) => [
      name,
      medianNs,
      quartilesNs.map((ns) => ns.toFixed(0)).join(' to '),
      ratio,
    ]),
  };
}
