import type { BenchOptions } from '../bench-options.ts';
import type { Table, Verdict } from '../report.ts';
import { COURSES, type CourseName } from './course.ts';

/** What came of the comparison on one broker. */
export interface Compared {
  readonly table: Table;
  readonly verdicts: readonly Verdict[];
}

/** Compares on one broker after the other: on all, or on those that `only` names. */
export async function onEachCourse(
  { only }: BenchOptions,
  compare: (name: CourseName) => Promise<Compared>,
): Promise<{ readonly tables: readonly Table[]; readonly verdicts: readonly Verdict[] }> {
  const results: Compared[] = [];
  for (const name of COURSES) {
    if (only === undefined || only.includes(name)) results.push(await compare(name));
  }
  return {
    tables: results.map(({ table }) => table),
    verdicts: results.flatMap(({ verdicts }) => verdicts),
  };
}
