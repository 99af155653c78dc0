import type { BenchOptions } from './bench-options.ts';
import { quantile } from './measure.ts';
import type { BenchReport, Verdict } from './report.ts';
import { startCourse, type CourseName } from './rig/course.ts';
import { runKeys } from './rig/run-keys.ts';
import { medianLatency, runPace, type Latency } from './rig/run-pace.ts';
import { Team } from './rig/team.ts';
import { onEachCourse, type Compared } from './rig/on-each-course.ts';
import { versionsOf } from './rig/versions.ts';

const PER_SECOND = 200;
const SECONDS = 10;
const ROUNDS = 3;
/** Invalidated one after the other before anything is measured. */
const WARM_UP_KEYS = 10_000;
const P50_LIMIT = 1.15;
const P99_LIMIT = 1.3;

const QUESTION =
  'How long does an invalidation take to another process, beside the bare client library?';

export async function run(options: BenchOptions = {}): Promise<BenchReport> {
  const { tables, verdicts } = await onEachCourse(options, (name) => compare(name, options));
  const notes = [
    `${PER_SECOND} invalidations a second for ${SECONDS} s, one publisher and one subscriber, each a process; ` +
      'from the call to the eviction, by the monotonic clock of the machine. TCP_NODELAY on both sides. ' +
      'Medians of interleaved rounds; a ratio is the median of the ratios of the rounds.',
  ];
  return { question: QUESTION, versions: versionsOf(), tables, notes, verdicts };
}

async function compare(name: CourseName, options: BenchOptions): Promise<Compared> {
  const { rounds = ROUNDS, profileIn, onProgress } = options;
  await using course = await startCourse(name);
  await using ours = await Team.start({ contender: course.unstale(2), subscribers: 1, profileIn });
  await using bare = await Team.start({ contender: course.bare(), subscribers: 1 });
  const sides = [
    { title: course.title, team: ours, runs: [] as Latency[] },
    { title: course.bareTitle, team: bare, runs: [] as Latency[] },
  ];
  // Code that has run often is compiled better: what is measured is a service that has been up for a while.
  for (const { team } of sides) await runKeys(team, { keys: WARM_UP_KEYS, concurrency: 1 });
  for (let round = -1; round < rounds; round += 1) {
    for (const side of sides) {
      // The first round only warms up.
      const latency = await runPace(side.team, {
        perSecond: PER_SECOND,
        seconds: round < 0 ? 2 : SECONDS,
      });
      onProgress?.(`${name}, round ${round}: ${side.title}: p50 ${latency.p50.toFixed(2)} ms`);
      if (round >= 0) side.runs.push(latency);
    }
  }
  const [own, library] = sides.map(({ runs }) => runs);
  const ratio = (figure: 'p50' | 'p99'): number =>
    quantile(
      (own ?? []).map((one, round) => one[figure] / (library?.[round]?.[figure] ?? Number.NaN)),
      0.5,
    );
  return {
    table: {
      title: `${course.title}: ms from the call to the eviction in another process`,
      head: ['', 'p50', 'p99', 'p99.9', 'lost'],
      rows: sides.map(({ title, runs }) => [
        title,
        medianLatency(runs, 'p50'),
        medianLatency(runs, 'p99'),
        medianLatency(runs, 'p999'),
        runs.reduce((sum, one) => sum + one.lost, 0).toFixed(0),
      ]),
    },
    verdicts: [
      verdict(`${course.title} / bare, p50`, ratio('p50'), P50_LIMIT),
      verdict(`${course.title} / bare, p99`, ratio('p99'), P99_LIMIT),
    ],
  };
}

function verdict(promise: string, measured: number, limit: number): Verdict {
  return { promise, measured, limit, holds: measured <= limit };
}
