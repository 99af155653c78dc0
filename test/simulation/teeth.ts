import { ALL_PROTECTIONS, type Protections } from '../../src/protocol/settings.ts';
import { DIRECTED } from './directed/index.ts';
import { violationOf } from './directed/scenario.ts';
import { runPool } from './pool.ts';
import { violationCount, type Summary } from './summary.ts';

/** Catches after which no more schedules are tried. */
const ENOUGH = 100;

/** What came of taking one protection out. */
export interface Tooth {
  readonly protection: string;
  readonly schedules: number;
  readonly caught: number;
  /** The invariants that caught it, the most frequent first. */
  readonly by: readonly string[];
  /** Schedules caught by what reads returned, and by nothing else (I1). */
  readonly caughtByReads: number;
  readonly schedulesOfReads: number;
  readonly worstStaleMs: number;
  /** The invariant that catches the directed schedule. */
  readonly directed: string | undefined;
}

/** Takes each protection out in turn. */
export async function pullTeeth(options: {
  readonly from: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly onTooth: (tooth: Tooth) => void;
}): Promise<Tooth[]> {
  const teeth: Tooth[] = [];
  for (const protection of protections()) {
    const unprotected = { [protection]: false };
    const run = async (only?: readonly string[]): Promise<Summary> =>
      await runPool({
        ...options,
        unprotected,
        ...(only === undefined ? {} : { only }),
        onProgress: (summary) => violationCount(summary) < ENOUGH,
      });
    const every = await run();
    const reads = await run(['I1']);
    const directed = DIRECTED.find((one) => one.protection === protection);
    const tooth = {
      protection,
      schedules: every.seeds,
      caught: violationCount(every),
      by: invariantsOf(every),
      caughtByReads: violationCount(reads),
      schedulesOfReads: reads.seeds,
      worstStaleMs: reads.worstStaleMs,
      directed: directed && violationOf(directed, unprotected)?.invariant,
    };
    teeth.push(tooth);
    options.onTooth(tooth);
  }
  return teeth;
}

/** The table of docs/simulation.md. */
export function teethTable(teeth: readonly Tooth[]): string {
  const rows = teeth.map((tooth) => {
    const { protection, caught, schedules, by, caughtByReads, schedulesOfReads, directed } = tooth;
    const reads = `${caughtByReads} of ${schedulesOfReads}`;
    const worst = caughtByReads > 0 ? `${(tooth.worstStaleMs / 1_000).toFixed(1)} s` : '';
    return `| \`${protection}\` | ${caught} of ${schedules} | ${by.join(', ')} | ${reads} | ${worst} | ${directed ?? 'NOT CAUGHT'} |`;
  });
  return [
    '| without | schedules caught | by | caught by reads alone (I1) | worst staleness | directed schedule |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function protections(): (keyof Protections)[] {
  return DIRECTED.map(({ protection }) => protection).filter((name) => name in ALL_PROTECTIONS);
}

function invariantsOf(summary: Summary): string[] {
  return Object.entries(summary.violations)
    .toSorted(([, a], [, b]) => b.count - a.count)
    .map(([name]) => name);
}
