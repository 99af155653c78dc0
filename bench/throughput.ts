import type { BenchOptions } from './bench-options.ts';
import type { BenchReport, Verdict } from './report.ts';
import { startCourse, startRedisCourse, type CourseName, type RedisCourse } from './rig/course.ts';
import { onEachCourse, type Compared } from './rig/on-each-course.ts';
import { versionsOf } from './rig/versions.ts';
import { medianOf, medianRatio, runKeys, WARM_UPS, type Run } from './rig/run-keys.ts';
import { Team } from './rig/team.ts';

const SUBSCRIBERS = 4;
const CONCURRENCY = 100;
const KEYS = 100_000;
const ROUNDS = 5;

/** The bare libraries send fewer, or a round would take minutes: a rate is what is compared. */
const BARE_KEYS: Readonly<Record<CourseName | 'redis', number>> = {
  xmpp: 3_000,
  stomp: 10_000,
  amqp: 20_000,
  redis: 50_000,
};

/** How many times as fast as its own client library each has to be, and as Redis. */
const TIMES_BARE: Readonly<Record<CourseName, number>> = { xmpp: 30, stomp: 8, amqp: 8 };
const TIMES_REDIS = 2;

const QUESTION = 'How many invalidations a second reach everybody, beside the bare client library?';

/** One publisher, four subscribers, all of them processes. */
export async function run(options: BenchOptions = {}): Promise<BenchReport> {
  await using redis = await startRedisCourse();
  const { tables, verdicts } = await onEachCourse(options, (name) => compare(name, redis, options));
  const notes = [
    `One publisher and ${SUBSCRIBERS} subscribers, each a process with a warm cache; ${options.keys ?? KEYS} keys with ` +
      `${CONCURRENCY} calls under way (the bare sides fewer keys). The time ends when the last subscriber has dropped ` +
      'the last key. Medians of interleaved rounds; a ratio is the median of the ratios of the rounds.',
  ];
  return { question: QUESTION, versions: versionsOf(), tables, notes, verdicts };
}

async function compare(
  name: CourseName,
  redis: RedisCourse,
  options: BenchOptions,
): Promise<Compared> {
  const { rounds = ROUNDS, profileIn, onProgress } = options;
  await using course = await startCourse(name);
  const subscribers = SUBSCRIBERS;
  const nodes = SUBSCRIBERS + 1;
  await using ours = await Team.start({ contender: course.unstale(nodes), subscribers, profileIn });
  await using bare = await Team.start({ contender: course.bare(), subscribers });
  await using ioredis = await Team.start({ contender: redis.contender, subscribers });
  const keys = options.keys ?? KEYS;
  const sides = [
    { title: course.title, team: ours, keys, on: course },
    { title: course.bareTitle, team: bare, keys: Math.min(keys, BARE_KEYS[name]), on: course },
    { title: 'ioredis, pub/sub', team: ioredis, keys: Math.min(keys, BARE_KEYS.redis), on: redis },
  ].map((side) => ({ ...side, runs: [] as Run[] }));
  for (let round = -WARM_UPS; round < rounds; round += 1) {
    for (const side of sides) {
      const result = await runKeys(side.team, {
        keys: side.keys,
        concurrency: CONCURRENCY,
        brokerSeconds: () => side.on.brokerSeconds(),
      });
      onProgress?.(`${name}, round ${round}: ${side.title}: ${result.keysPerSecond.toFixed(0)}/s`);
      if (round >= 0) side.runs.push(result);
    }
  }
  const [own, library, pubSub] = sides.map(({ runs }) => runs);
  const lost = sides[0]?.runs.reduce((sum, one) => sum + one.lost, 0) ?? 0;
  return {
    table: {
      title: `${course.title}: 1 publisher, ${SUBSCRIBERS} subscribers`,
      head: [
        '',
        'keys/s',
        'lost',
        'publisher µs/key',
        'subscriber µs/key',
        'broker µs/key',
        'ratio',
      ],
      rows: sides.map(({ title, runs }) => [
        title,
        medianOf(runs, 'keysPerSecond').toFixed(0),
        runs.reduce((sum, one) => sum + one.lost, 0).toFixed(0),
        medianOf(runs, 'publisherUs'),
        medianOf(runs, 'subscriberUs'),
        medianOf(runs, 'brokerUs'),
        medianRatio(own ?? [], runs),
      ]),
    },
    verdicts: [
      atLeast(`${course.title} / bare`, medianRatio(own ?? [], library ?? []), TIMES_BARE[name]),
      atLeast(`${course.title} / ioredis`, medianRatio(own ?? [], pubSub ?? []), TIMES_REDIS),
      { promise: `${course.title}: keys lost`, measured: lost, limit: 0, holds: lost === 0 },
    ],
  };
}

function atLeast(promise: string, measured: number, limit: number): Verdict {
  return { promise, measured, limit, bound: 'at least', holds: measured >= limit };
}
