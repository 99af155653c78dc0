/** A process of a comparison. It does what it is told over the channel to its parent. */
import { setTimeout as pause } from 'node:timers/promises';
import { collectGarbage } from './collect-garbage.ts';
import { makeContender } from './contender.ts';
import { keyOf, numberOf, type MemberTask, type OrderName, type Orders } from './orders.ts';
import { Profiler } from './profiler.ts';

/** How often a subscriber looks whether its cache is empty, in ms. */
const LOOK_EVERY_MS = 4;
/** Nothing has gone for so long: what is left is lost. */
const GIVEN_UP_MS = 15_000;

const task = JSON.parse(process.argv[2] ?? '') as MemberTask;
const contenders = await Promise.all(
  Array.from({ length: task.count }, () => makeContender(task.contender, task.role)),
);
const [first] = contenders;
const profiler = new Profiler(process.env['BENCH_PROFILES']);
if (first === undefined) throw new Error('a member process has at least one contender');
let cpuMark = process.cpuUsage();
let evictedNs: number[] | undefined;
let listening = false;

function nowNs(): number {
  return Number(process.hrtime.bigint());
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage(cpuMark);
  return user + system;
}

function left(): number {
  return Math.max(...contenders.map((contender) => contender.left()));
}

const handlers: {
  readonly [Name in OrderName]: (order: Orders[Name]['order']) => Promise<Orders[Name]['answer']>;
} = {
  async ready() {
    await Promise.all(contenders.map((contender) => contender.ready()));
    return true;
  },
  async warm({ keys }) {
    const names = Array.from({ length: keys }, (_, number) => keyOf(number));
    for (const contender of contenders) await contender.warm(names);
    // Warming leaves garbage, and what it costs to collect it is no part of what is measured.
    collectGarbage();
    cpuMark = process.cpuUsage();
    return true;
  },
  async publish({ keys, concurrency }) {
    cpuMark = process.cpuUsage();
    const startNs = nowNs();
    let next = 0;
    const one = async (): Promise<void> => {
      while (next < keys) {
        const key = keyOf(next);
        next += 1;
        await first.publish(key);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, one));
    await first.flush?.();
    return { startNs, acceptedNs: nowNs(), cpuUs: cpuUs() };
  },
  async drain() {
    let lowest = Number.POSITIVE_INFINITY;
    let progressMs = performance.now();
    for (;;) {
      const now = left();
      if (now === 0) break;
      if (now < lowest) progressMs = performance.now();
      lowest = Math.min(lowest, now);
      if (performance.now() - progressMs > GIVEN_UP_MS) break;
      await pause(LOOK_EVERY_MS);
    }
    return { lost: left(), endNs: nowNs(), cpuUs: cpuUs() };
  },
  async pace({ perSecond, seconds }) {
    const calls: number[] = [];
    const startMs = performance.now();
    const running: Promise<void>[] = [];
    while (calls.length < perSecond * seconds) {
      const due = Math.floor(((performance.now() - startMs) / 1_000) * perSecond);
      // At most one a turn: a burst would be measured as a queue.
      if (calls.length < due) {
        calls.push(nowNs());
        running.push(first.publish(keyOf(calls.length - 1)));
      } else {
        await pause(1);
      }
    }
    await Promise.all(running);
    return calls;
  },
  listen() {
    evictedNs = [];
    if (!listening) {
      listening = true;
      first.onEvicted((key) => {
        if (evictedNs !== undefined) evictedNs[numberOf(key)] = nowNs();
      });
    }
    return Promise.resolve(true);
  },
  evictions({ keys }) {
    const answer = Array.from({ length: keys }, (_, number) => evictedNs?.[number] ?? 0);
    evictedNs = undefined;
    return Promise.resolve(answer);
  },
  census() {
    const controlMessages = contenders.reduce((sum, one) => sum + one.controlMessages(), 0);
    return Promise.resolve({ controlMessages, rssBytes: process.memoryUsage.rss() });
  },
  async close() {
    await Promise.all(contenders.map((contender) => contender.close()));
    return true;
  },
};

async function obey(name: OrderName, order: never): Promise<void> {
  try {
    const work = (): Promise<unknown> => handlers[name](order);
    const timed = name === 'publish' || name === 'drain' || name === 'pace';
    const answer = timed ? await profiler.during(`${task.role}-${name}`, work) : await work();
    process.send?.({ answer }, () => {
      if (name === 'close') process.exit(0);
    });
  } catch (error) {
    process.send?.({ failure: String(error instanceof Error ? error.stack : error) });
  }
}

process.on('message', (message: { readonly name: OrderName; readonly order: never }) => {
  void obey(message.name, message.order);
});
process.on('disconnect', () => {
  process.exit(1);
});
process.send?.({ answer: true });
