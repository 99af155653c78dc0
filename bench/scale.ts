import { setTimeout as pause } from 'node:timers/promises';
import { linearRegression, linearRegressionLine, rSquared } from 'simple-statistics';
import type { BenchOptions } from './bench-options.ts';
import type { BenchReport, Verdict } from './report.ts';
import { bytesPerMember } from './rig/bytes-per-member.ts';
import { startCourse, type Course, type CourseName } from './rig/course.ts';
import { onEachCourse, type Compared } from './rig/on-each-course.ts';
import type { Orders } from './rig/orders.ts';
import { runKeys } from './rig/run-keys.ts';
import { runPace } from './rig/run-pace.ts';
import { Team } from './rig/team.ts';
import { versionsOf } from './rig/versions.ts';

const NODES: readonly number[] = [1, 2, 4, 8, 16, 32, 64];
const PROCESSES = 4;
const KEYS = 20_000;
const CONCURRENCY = 100;
const IDLE_SECONDS = 10;
/** For the time from call to eviction: far below what any broker carries. */
const PER_SECOND = 50;
const PACE_SECONDS = 4;
/** Of the whole cluster: a node waits `N` times 100 ms between two beats. */
const CONTROL_LIMIT = 11;
const BYTES_LIMIT = 1_024;

const QUESTION = 'What does another node cost?';

type Census = Orders['census']['answer'];

interface Size {
  readonly nodes: number;
  readonly keysPerSecond: number;
  readonly lost: number;
  /** From the call to the eviction, in one node of each process, in ms. */
  readonly p99Ms: number;
  /** Processor time of the broker for a key, in µs. */
  readonly brokerUs: number;
  readonly controlPerSecond: number;
  /** Resident memory of all processes together, caches included, in MB. */
  readonly memoryMb: number;
}

export async function run(options: BenchOptions = {}): Promise<BenchReport> {
  // First of all: later there is garbage whose end would be counted.
  const bytes = bytesPerMember();
  const fits: string[] = [];
  const { tables, verdicts } = await onEachCourse(options, async (name) => {
    const { fit, ...result } = await grow(name, options);
    fits.push(fit);
    return result;
  });
  const memory: Verdict = {
    promise: 'memory for each remote member, in bytes',
    measured: bytes,
    limit: BYTES_LIMIT,
    holds: bytes <= BYTES_LIMIT,
  };
  const notes = [
    ...fits,
    `The nodes are spread over at most ${PROCESSES} processes, with the publisher in a process of its own; ${CONCURRENCY} calls under way. ` +
      'On a machine with so few cores all subscribers share what is there: in a real cluster each brings its own. ' +
      'Memory is measured without a broker: a node that has heard 1,000 others, against one that has heard none.',
  ];
  return {
    question: QUESTION,
    versions: versionsOf(),
    tables,
    notes,
    verdicts: [...verdicts, memory],
  };
}

async function grow(
  name: CourseName,
  options: BenchOptions,
): Promise<Compared & { readonly fit: string }> {
  await using course = await startCourse(name);
  const sizes: Size[] = [];
  for (const nodes of NODES) {
    const size = await measureSize(course, nodes, options.keys ?? KEYS);
    options.onProgress?.(`${name}: ${nodes} nodes: ${size.keysPerSecond.toFixed(0)}/s`);
    sizes.push(size);
  }
  const most = Math.max(...sizes.map((size) => size.controlPerSecond));
  return {
    table: {
      title: `${course.title}: nodes`,
      head: [
        'nodes',
        'keys/s',
        'lost',
        'keys delivered/s',
        'p99 ms',
        'broker µs/key',
        'control messages/s, all nodes',
        'MB, all nodes',
      ],
      rows: sizes.map((size) => [
        String(size.nodes),
        size.keysPerSecond.toFixed(0),
        size.lost.toFixed(0),
        (size.keysPerSecond * (size.nodes - 1)).toFixed(0),
        size.nodes === 1 ? '' : size.p99Ms,
        size.brokerUs,
        size.controlPerSecond,
        size.memoryMb.toFixed(0),
      ]),
    },
    verdicts: [
      {
        promise: `${course.title}: control messages a second, of the whole cluster`,
        measured: most,
        limit: CONTROL_LIMIT,
        holds: most <= CONTROL_LIMIT,
      },
    ],
    fit: `${course.title}: ${fitOf(sizes)}`,
  };
}

/** What a key costs on this machine, and what each subscriber adds: least squares over the sizes. */
function fitOf(sizes: readonly Size[]): string {
  const points = sizes
    .filter(({ nodes }) => nodes > 1)
    .map(({ nodes, keysPerSecond }) => [nodes - 1, 1e6 / keysPerSecond]);
  const line = linearRegression(points);
  const fit = rSquared(points, linearRegressionLine(line));
  return `a key takes ${line.b.toFixed(1)} µs, and ${line.m.toFixed(1)} µs more for each subscriber (R² ${fit.toFixed(2)}).`;
}

async function measureSize(course: Course, nodes: number, keys: number): Promise<Size> {
  const contender = course.unstale(nodes);
  const counts = Array.from({ length: PROCESSES }, (_, process) =>
    Math.floor((nodes - 1 + process) / PROCESSES),
  ).filter((count) => count > 0);
  await using team = await Team.start({ contender, subscribers: counts });
  const brokerSeconds = (): number => course.brokerSeconds();
  const burst = await runKeys(team, { keys, concurrency: CONCURRENCY, brokerSeconds });
  const latency = await runPace(team, { perSecond: PER_SECOND, seconds: PACE_SECONDS });
  // What follows a burst (tail beats) belongs to the burst.
  await pause(2_000);
  const before = await census(team);
  await pause(IDLE_SECONDS * 1_000);
  const after = await census(team);
  return {
    nodes,
    keysPerSecond: burst.keysPerSecond,
    lost: burst.lost + latency.lost,
    p99Ms: latency.p99,
    brokerUs: burst.brokerUs,
    controlPerSecond: (after.controlMessages - before.controlMessages) / IDLE_SECONDS,
    memoryMb: after.rssBytes / 1e6,
  };
}

async function census(team: Team): Promise<Census> {
  const answers = await Promise.all(team.members.map((member) => member.tell('census', {})));
  return {
    controlMessages: answers.reduce((sum, one) => sum + one.controlMessages, 0),
    rssBytes: answers.reduce((sum, one) => sum + one.rssBytes, 0),
  };
}
