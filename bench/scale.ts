import { setTimeout as pause } from 'node:timers/promises';
import type { BenchOptions } from './bench-options.ts';
import type { BenchReport, Table, Verdict } from './report.ts';
import { bytesPerMember } from './rig/bytes-per-member.ts';
import { COURSES, startCourse, type Course, type CourseName } from './rig/course.ts';
import { Member } from './rig/member.ts';
import { versionsOf } from './rig/versions.ts';

const NODES: readonly number[] = [2, 4, 8, 16, 32];
const PROCESSES = 4;
const KEYS = 20_000;
const CONCURRENCY = 100;
const IDLE_SECONDS = 15;
/** Of the whole cluster: a node waits `N` times 100 ms between two beats. */
const CONTROL_LIMIT = 11;
const BYTES_LIMIT = 1_024;

const QUESTION = 'What does another node cost?';

interface Size {
  readonly nodes: number;
  readonly keysPerSecond: number;
  readonly lost: number;
  readonly controlPerSecond: number;
  readonly publisherUs: number;
}

export async function run(options: BenchOptions = {}): Promise<BenchReport> {
  // First of all: later there is garbage whose end would be counted.
  const bytes = bytesPerMember();
  const tables: Table[] = [];
  const verdicts: Verdict[] = [];
  for (const name of COURSES) {
    if (options.only !== undefined && !options.only.includes(name)) continue;
    const result = await grow(name, options);
    tables.push(result.table);
    verdicts.push(result.verdict);
  }
  verdicts.push({
    promise: 'memory for each remote member, in bytes',
    measured: bytes,
    limit: BYTES_LIMIT,
    holds: bytes <= BYTES_LIMIT,
  });
  const notes = [
    `The nodes are spread over at most ${PROCESSES} processes, with the publisher in a process of its own; ${CONCURRENCY} calls under way. ` +
      'On a machine with so few cores all subscribers share what is there: in a real cluster each brings its own. ' +
      'Memory is measured without a broker: a node that has heard 1,000 others, against one that has heard none.',
  ];
  return { question: QUESTION, versions: versionsOf(), tables, notes, verdicts };
}

async function grow(
  name: CourseName,
  options: BenchOptions,
): Promise<{ readonly table: Table; readonly verdict: Verdict }> {
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
      head: ['nodes', 'keys/s', 'lost', 'deliveries/s', 'control messages/s, all nodes'],
      rows: sizes.map((size) => [
        String(size.nodes),
        size.keysPerSecond.toFixed(0),
        size.lost.toFixed(0),
        (size.keysPerSecond * (size.nodes - 1)).toFixed(0),
        size.controlPerSecond,
      ]),
    },
    verdict: {
      promise: `${course.title}: control messages a second, of the whole cluster`,
      measured: most,
      limit: CONTROL_LIMIT,
      holds: most <= CONTROL_LIMIT,
    },
  };
}

async function measureSize(course: Course, nodes: number, keys: number): Promise<Size> {
  const contender = course.unstale(nodes);
  const members: Member[] = [];
  try {
    const counts = Array.from({ length: PROCESSES }, (_, process) =>
      Math.floor((nodes - 1 + process) / PROCESSES),
    ).filter((count) => count > 0);
    members.push(await Member.start({ contender, role: 'publisher', count: 1 }));
    for (const count of counts) {
      members.push(await Member.start({ contender, role: 'subscriber', count }));
    }
    return await measureMembers(members, nodes, keys);
  } finally {
    await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
  }
}

async function measureMembers(all: readonly Member[], nodes: number, keys: number): Promise<Size> {
  const [publisher, ...subscribers] = all;
  if (publisher === undefined) throw new Error('nobody publishes');
  await Promise.all(all.map((member) => member.tell('ready', {})));
  for (const subscriber of subscribers) await subscriber.tell('warm', { keys });
  const draining = subscribers.map((subscriber) => subscriber.tell('drain', {}));
  const published = await publisher.tell('publish', { keys, concurrency: CONCURRENCY });
  const drained = await Promise.all(draining);
  const endNs = Math.max(...drained.map((one) => one.endNs));
  // What follows a burst (tail beats) belongs to the burst.
  await pause(2_000);
  const before = await controlMessages(all);
  await pause(IDLE_SECONDS * 1_000);
  const after = await controlMessages(all);
  return {
    nodes,
    keysPerSecond: keys / ((endNs - published.startNs) / 1e9),
    lost: drained.reduce((sum, one) => sum + one.lost, 0),
    controlPerSecond: (after - before) / IDLE_SECONDS,
    publisherUs: published.cpuUs / keys,
  };
}

async function controlMessages(members: readonly Member[]): Promise<number> {
  const answers = await Promise.all(members.map((member) => member.tell('census', {})));
  return answers.reduce((sum, one) => sum + one.controlMessages, 0);
}
