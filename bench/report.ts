import { cpus, totalmem } from 'node:os';

/** What a bench has found out. */
export interface BenchReport {
  /** The question that it answers. */
  readonly question: string;
  /** Versions of what was compared. */
  readonly versions: Readonly<Record<string, string>>;
  readonly tables: readonly Table[];
  /** What has to be known to read the figures. */
  readonly notes: readonly string[];
  /** What is promised of the figures, and whether it holds here. */
  readonly verdicts: readonly Verdict[];
}

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

export interface Verdict {
  readonly promise: string;
  readonly measured: number;
  readonly limit: number;
  /** Default: at most. */
  readonly bound?: 'at most' | 'at least';
  readonly holds: boolean;
}

/** Where it was measured. */
export function machine(): Readonly<Record<string, string | number>> {
  const [first] = cpus();
  return {
    node: process.version,
    v8: process.versions.v8,
    platform: `${process.platform} ${process.arch}`,
    cpu: first?.model.trim() ?? 'unknown',
    cpus: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}

export function asText(report: BenchReport): string {
  const lines = [report.question, ''];
  for (const { title, head, rows } of report.tables) {
    lines.push(title, ...aligned([head, ...rows.map((row) => row.map(shown))]), '');
  }
  for (const { promise, measured, limit, bound = 'at most', holds } of report.verdicts) {
    lines.push(`${holds ? 'holds' : 'FAILS'}: ${promise}: ${shown(measured)} (${bound} ${limit})`);
  }
  lines.push('', ...report.notes);
  const about = { ...machine(), ...report.versions };
  const where = Object.entries(about).map(([name, value]) => `${name} ${value}`);
  return [...lines, '', where.join(', ')].join('\n');
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
}

function shown(cell: string | number): string {
  return typeof cell === 'string' ? cell : cell.toFixed(cell < 10 ? 2 : 0);
}
