import { expect } from 'chai';
import { memoryBus, memoryNetwork } from '../../../adapters/memory/index.ts';
import { Intake } from '../../../src/cluster/intake.ts';
import { joinCluster } from '../../../src/index.ts';
import { turn, VirtualRuntime } from '../cache/virtual-runtime.ts';

const MEGABYTE = 1_024 * 1_024;

interface Desk {
  readonly runtime: VirtualRuntime;
  readonly intake: Intake;
  readonly taken: number[];
  readonly drops: () => number;
  /** Pushes number `id`, whose taking lasts so long. */
  readonly push: (
    id: number,
    options?: { readonly lastsMs?: number; readonly bytes?: number },
  ) => void;
}

function desk(): Desk {
  const runtime = new VirtualRuntime();
  const taken: number[] = [];
  let drops = 0;
  const intake = new Intake(runtime, () => {
    drops += 1;
  });
  return {
    runtime,
    intake,
    taken,
    drops: () => drops,
    push: (id, { lastsMs = 0, bytes = 100 } = {}) => {
      intake.push(bytes, () => {
        taken.push(id);
        runtime.block(lastsMs);
      });
    },
  };
}

describe('the intake', () => {
  it('takes at once what it has time for', () => {
    const { push, taken } = desk();
    push(1);
    push(2);
    expect(taken).to.deep.equal([1, 2]);
  });

  it('OVL-1 keeps the event loop for 5 ms at a time, and everything in order', async () => {
    const { push, taken } = desk();
    for (let id = 1; id <= 20; id += 1) push(id, { lastsMs: 2 });
    expect(taken).to.deep.equal([1, 2, 3]);
    await turn();
    expect(taken.length).to.be.within(5, 7);
    for (let round = 0; round < 10; round += 1) await turn();
    expect(taken).to.deep.equal(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  it('OVL-1 takes nothing out of turn while something waits', async () => {
    const { push, taken } = desk();
    push(1, { lastsMs: 10 });
    push(2);
    await turn();
    push(3);
    for (let round = 0; round < 5; round += 1) await turn();
    expect(taken).to.deep.equal([1, 2, 3]);
  });

  it('OVL-1 is overloaded when more than 16 MiB wait, and not before', async () => {
    const { push, intake } = desk();
    push(1, { lastsMs: 10 });
    for (let id = 2; id <= 16; id += 1) push(id, { bytes: MEGABYTE });
    expect(intake.overloaded).to.equal(false);
    push(17, { bytes: MEGABYTE });
    push(18, { bytes: MEGABYTE });
    expect(intake.overloaded).to.equal(true);
    for (let round = 0; round < 5; round += 1) await turn();
    expect(intake.overloaded).to.equal(false);
  });

  it('OVL-1 drops what would pass 64 MiB, counts it, and says once that something was lost', async () => {
    const { push, intake, taken, drops } = desk();
    push(1, { lastsMs: 10 });
    for (let id = 2; id <= 100; id += 1) push(id, { bytes: MEGABYTE });
    expect(intake.dropped).to.be.within(36, 38);
    expect(drops(), 'not before what waits is taken').to.equal(0);
    for (let round = 0; round < 5; round += 1) await turn();
    expect(drops()).to.equal(1);
    expect(taken).to.have.lengthOf(100 - intake.dropped);
  });

  it('OVL-1 never drops what the bus says of its own continuity', async () => {
    const { push, intake, taken } = desk();
    push(1, { lastsMs: 10 });
    for (let id = 2; id <= 100; id += 1) push(id, { bytes: MEGABYTE });
    intake.pushAlways(() => {
      taken.push(-1);
    });
    for (let round = 0; round < 5; round += 1) await turn();
    expect(taken.at(-1)).to.equal(-1);
  });

  it('OVL-1 the fastest publisher does not make the others flush', async function () {
    this.timeout(60_000);
    const network = memoryNetwork();
    const join = (label: string): ReturnType<typeof joinCluster> =>
      joinCluster({
        name: 'test',
        label,
        bus: memoryBus({ channel: 'test', network }),
        expectedNodes: 2,
        lingerMs: 0,
      });
    const [publisher, receiver] = [await join('publisher'), await join('receiver')];
    await Promise.all([publisher.ready(), receiver.ready()]);
    const cache = receiver.cache<string>('things', { maxEntries: 10, load: (key) => key });
    const { flushes } = cache.stats();
    const calls: Promise<unknown>[] = [];
    for (let round = 0; round < 400; round += 1) {
      const keys = Array.from({ length: 250 }, (_, index) => `key-${round}-${index}`);
      calls.push(publisher.invalidate({ region: 'things', keys }));
      if (round % 20 === 0) await turn();
    }
    await Promise.all(calls);
    for (let round = 0; round < 50; round += 1) await turn();
    const status = receiver.status();
    expect(status.counters.duplicates).to.equal(0);
    expect(status.droppedFrames).to.equal(0);
    expect(cache.stats().flushes).to.equal(flushes);
    await Promise.all([publisher.close(), receiver.close()]);
  });
});
