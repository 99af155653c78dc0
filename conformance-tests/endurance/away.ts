import { expect } from 'chai';
import { heapInUse } from '../heap-in-use.ts';
import { handlesGone, openHandles } from '../open-handles.ts';
import type { Member } from '../member.ts';
import type { Stage } from '../stage.ts';
import { settles } from '../settlement.ts';
import { BusError } from '../../src/index.ts';

/** A minute without a broker is scaled down to a part of it, from when the first quick attempts are over. */
const QUICK_ATTEMPTS_MS = 1_500;
const AWAY_SECONDS = 5;
const MAX_CPU_SHARE = 0.02;
const FOUND_AGAIN_MS = 10_000;
const WARM_UP_ROUNDS = 20;
const MAX_GROWTH_BYTES = 4 * 1024 * 1024;
const PUBLISHES = 10_000;
const MOST_HANG_UPS = 5;
const MAX_CATCHING_UP_MS = 60_000;
/** What 10,000 frames of 200 bytes may cost while they wait, in a client that keeps an object or two for each. */
const MAX_WAITING_BYTES = 128 * 1024 * 1024;
/** And when it is over. */
const MAX_RETAINED_BYTES = 16 * 1024 * 1024;

/** EN-01 */
export async function manyCuts(stage: Stage, rounds: number): Promise<void> {
  const [member, publisher] = await Promise.all([stage.join(), stage.join()]);
  const warnings: string[] = [];
  const onWarning = (warning: Error): void => {
    warnings.push(`${warning.name}: ${warning.message}`);
  };
  process.on('warning', onWarning);
  try {
    for (let round = 0; round < WARM_UP_ROUNDS; round += 1) await cutOnce(stage);
    await stage.sentinel(publisher, [member]);
    const before = countings();
    for (let round = 0; round < rounds; round += 1) await cutOnce(stage);
    const frame = await stage.sentinel(publisher, [member]);
    await stage.sentinel(member, [member, publisher]);
    await stage.sentinel(publisher, [member, publisher]);
    expect(member.times(frame), 'how often one frame was heard').to.equal(1);
    const after = countings();
    expect(after.connections).to.equal(before.connections);
    expect(after.listeners, 'listeners on the process').to.equal(before.listeners);
    await handlesGone(before.handles, stage.waits.patienceMs);
    expect(after.heapBytes - before.heapBytes, 'bytes kept').to.be.lessThan(MAX_GROWTH_BYTES);
    expect(warnings, 'process warnings').to.deep.equal([]);
  } finally {
    process.off('warning', onWarning);
  }

  async function cutOnce({ waits }: Stage): Promise<void> {
    // What the errors of the test's own list hold on to is not the bus's doing.
    member.forget();
    await member.line.cut();
    await member.hears('interrupted', { withinMs: waits.patienceMs });
    await member.hears('resumed', { withinMs: waits.patienceMs });
  }

  function countings(): Countings {
    member.forget();
    const listeners = process.eventNames().map((name) => process.listenerCount(name));
    return {
      connections: member.line.proxy?.connections ?? 0,
      listeners: sum(listeners),
      handles: openHandles(),
      heapBytes: heapInUse(),
    };
  }
}

interface Countings {
  readonly connections: number;
  readonly listeners: number;
  readonly handles: ReadonlyMap<string, number>;
  readonly heapBytes: number;
}

/** EN-02 */
export async function brokerAway(stage: Stage): Promise<void> {
  // The waits that an application has by default, not the short ones of the other tests.
  const member = await stage.join({ tuning: { retryBaseMs: 100, retryCapMs: 5_000 } });
  await member.line.sever();
  await member.hears('interrupted');
  await pause(QUICK_ATTEMPTS_MS);
  const share = await cpuShareOver(AWAY_SECONDS);
  expect(share, 'share of one CPU while away').to.be.lessThan(MAX_CPU_SHARE);
  expect(member.bus.state).to.equal('interrupted');
  await member.line.heal();
  await member.hears('resumed', { withinMs: FOUND_AGAIN_MS });
  await stage.sentinel(member, [member]);
}

/**
 * The share of one CPU that this process takes while nothing is asked of it. The busiest second is left out:
 * V8 reduces the heaps of a process that has become idle, those of its loader's threads too.
 */
async function cpuShareOver(seconds: number): Promise<number> {
  heapInUse();
  const shares: number[] = [];
  while (shares.length < seconds) {
    const startedMs = performance.now();
    const cpu = process.cpuUsage();
    await pause(1_000);
    const { user, system } = process.cpuUsage(cpu);
    shares.push((user + system) / 1_000 / (performance.now() - startedMs));
  }
  return (sum(shares) - Math.max(...shares)) / (seconds - 1);
}

/** EN-05 */
export async function brokerDoesNotRead(stage: Stage): Promise<void> {
  const member = await stage.join({ tuning: { confirmTimeoutMs: 1_500 } });
  await stage.sentinel(member, [member]);
  const before = heapInUse();
  await member.line.swallow();
  const frames = Array.from({ length: PUBLISHES }, (_, index) => `${index}`.padEnd(200, '.'));
  const settlements = await Promise.all(
    frames.map((frame) => settles('a publish', member.bus.publish(frame), stage.waits.patienceMs)),
  );
  for (const settlement of settlements) {
    // A bus that batches may have had a few confirmed before the line went silent; the rest must say what happened.
    if (settlement.state === 'rejected') expect(settlement.error).to.be.instanceOf(BusError);
  }
  expect(settlements.filter(({ state }) => state === 'rejected')).to.have.length.above(0);
  frames.length = 0;
  settlements.length = 0;
  expect(heapInUse() - before, 'bytes held').to.be.lessThan(MAX_WAITING_BYTES);
  await member.line.heal();
  const { halfOpenWithinMs } = stage.waits;
  const open = (): boolean => member.bus.state === 'open';
  await member.until('that it is attached again', open, halfOpenWithinMs);
  await hearsAgain(stage, member);
  member.forget();
  await released(() => heapInUse() - before, MAX_RETAINED_BYTES);
}

/** A server that is told so much at once after `heal` may hang up on us for it; then we lose a frame, and say so. */
async function hearsAgain(stage: Stage, member: Member): Promise<void> {
  const witness = await stage.join();
  for (let hangUps = 0; hangUps <= MOST_HANG_UPS; hangUps += 1) {
    const mark = member.continuity().length;
    const interrupted = (): boolean => member.continuity().length > mark;
    const frame = `again ${hangUps}`;
    await stage.publish(witness, frame);
    await member.until('a new frame', () => member.times(frame) > 0 || interrupted());
    if (member.times(frame) > 0) return;
    await member.until('`resumed`', () => member.bus.state === 'open');
  }
  throw new Error(`${member.name} was hung up on more than ${MOST_HANG_UPS} times`);
}

/** After `heal` a slow server works through what it had not read; the bus may keep it for as long as that takes. */
async function released(bytesKept: () => number, maxBytes: number): Promise<void> {
  const deadlineMs = performance.now() + MAX_CATCHING_UP_MS;
  while (bytesKept() >= maxBytes && performance.now() < deadlineMs) await pause(250);
  expect(bytesKept(), 'bytes kept').to.be.lessThan(maxBytes);
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
