import { TcpProxy } from '../conformance-tests/tcp-proxy.ts';
import type { BenchOptions } from './bench-options.ts';
import type { BenchReport, Table } from './report.ts';
import { startCourse, type Course, type CourseName } from './rig/course.ts';
import { medianOf, medianRatio, runKeys, WARM_UPS, type Run } from './rig/run-keys.ts';
import { Team } from './rig/team.ts';
import { onEachCourse, type Compared } from './rig/on-each-course.ts';
import { versionsOf } from './rig/versions.ts';

const DELAY_MS = 150;
const SUBSCRIBERS = 4;
const KEYS = 100_000;
const ROUNDS = 3;
/** On the spot, as in `throughput`. */
const CONCURRENCY = 100;
/**
 * 300 ms away: a caller waits 300 ms for the broker's word, so that 100 callers could be told of no more than 333
 * keys a second by anybody. So many calls under way are what a large site has.
 */
const FAR_CONCURRENCY = 32_000;
const LIMIT = 0.5;
/** The bare libraries take long for more. */
const BARE_KEYS: Readonly<Record<CourseName, number>> = {
  xmpp: 4_000,
  stomp: 16_000,
  amqp: 20_000,
};

const QUESTION = 'Does throughput collapse with distance?';

export async function run(options: BenchOptions = {}): Promise<BenchReport> {
  const { tables, verdicts } = await onEachCourse(options, (name) => compare(name, options));
  const notes = [
    `A proxy holds every byte back for ${DELAY_MS} ms in each direction, for publisher and subscribers alike. ` +
      `On the spot ${CONCURRENCY} calls are under way, far away ${FAR_CONCURRENCY}, on both sides: fewer would measure ` +
      'the distance and nothing else. The time until the last eviction is counted, the journeys included.',
  ];
  return { question: QUESTION, versions: versionsOf(), tables, notes, verdicts };
}

async function compare(name: CourseName, options: BenchOptions): Promise<Compared> {
  const { rounds = ROUNDS, onProgress, profileIn } = options;
  await using course = await startCourse(name);
  await using proxy = await TcpProxy.to(course.address);
  const through = { host: proxy.host, port: proxy.port };
  const keys = options.keys ?? KEYS;
  const bareKeys = Math.min(keys, BARE_KEYS[name]);
  const here = (own: boolean): Parameters<typeof Team.start>[0] => ({
    contender: own ? course.unstale(SUBSCRIBERS + 1) : course.bare(),
    subscribers: SUBSCRIBERS,
  });
  const near = await race(here(true), { keys, concurrency: CONCURRENCY, rounds });
  onProgress?.(`${name}: on the spot: ${medianOf(near, 'keysPerSecond').toFixed(0)}/s`);
  proxy.delay({ delayMs: DELAY_MS });
  const far = await race(
    { contender: course.unstale(SUBSCRIBERS + 1, through), subscribers: SUBSCRIBERS, profileIn },
    { keys, concurrency: FAR_CONCURRENCY, rounds },
  );
  onProgress?.(`${name}: far away: ${medianOf(far, 'keysPerSecond').toFixed(0)}/s`);
  const bareNear = await race(here(false), { keys: bareKeys, concurrency: CONCURRENCY, rounds });
  const bareFar = await race(
    { contender: course.bare(through), subscribers: SUBSCRIBERS },
    { keys: bareKeys, concurrency: FAR_CONCURRENCY, rounds },
  );
  return {
    table: table(course, { near, far, bareNear, bareFar }),
    verdicts: [
      {
        promise: `${course.title}: far away / on the spot`,
        measured: medianRatio(far, near),
        limit: LIMIT,
        bound: 'at least',
        holds: medianRatio(far, near) >= LIMIT,
      },
    ],
  };
}

async function race(
  team: Parameters<typeof Team.start>[0],
  options: { readonly keys: number; readonly concurrency: number; readonly rounds: number },
): Promise<readonly Run[]> {
  await using started = await Team.start(team);
  const runs: Run[] = [];
  for (let round = -WARM_UPS; round < options.rounds; round += 1) {
    const one = await runKeys(started, options);
    if (round >= 0) runs.push(one);
  }
  return runs;
}

function table(
  course: Course,
  runs: Readonly<Record<'near' | 'far' | 'bareNear' | 'bareFar', readonly Run[]>>,
): Table {
  return {
    title: `${course.title}: keys a second`,
    head: ['', 'on the spot', `${2 * DELAY_MS} ms away and back`, 'lost', 'ratio'],
    rows: [
      rowOf(course.title, runs.near, runs.far),
      rowOf(course.bareTitle, runs.bareNear, runs.bareFar),
    ],
  };
}

function rowOf(title: string, near: readonly Run[], far: readonly Run[]): readonly string[] {
  return [
    title,
    medianOf(near, 'keysPerSecond').toFixed(0),
    medianOf(far, 'keysPerSecond').toFixed(0),
    [...near, ...far].reduce((sum, one) => sum + one.lost, 0).toFixed(0),
    medianRatio(far, near).toFixed(2),
  ];
}
