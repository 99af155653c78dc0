import type { Table, Verdict } from '../report.ts';

/** What one part of the bench has found out. */
export interface Part {
  readonly table: Table;
  readonly verdicts: readonly Verdict[];
  readonly note: string;
}
