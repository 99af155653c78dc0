import { expect } from 'chai';
import { memoryBus, memoryNetwork } from '../../../adapters/memory/index.ts';
import { PersistentBus } from '../../../src/cluster/persistent-bus.ts';
import { BusError, joinCluster, onTelemetry, type BusReceiver } from '../../../src/index.ts';
import { failureOf } from '../cache/lone-node.ts';
import { turn, VirtualRuntime } from '../cache/virtual-runtime.ts';
import { ScriptedBus } from './scripted-bus.ts';

const unreachable = (): Promise<void> =>
  Promise.reject(new BusError('BUS_UNREACHABLE', 'nobody listens'));
const denied = (): Promise<void> =>
  Promise.reject(new BusError('BUS_ACCESS_DENIED', 'wrong password'));

interface Bench {
  readonly runtime: VirtualRuntime;
  readonly made: ScriptedBus[];
  readonly bus: PersistentBus;
  readonly heard: string[];
  readonly receiver: BusReceiver;
}

/** `scripts` say how each bus opens; the last one holds for all that follow. */
function bench(...scripts: (() => Promise<void>)[]): Bench {
  const runtime = new VirtualRuntime();
  runtime.drawn = 0.999;
  const made: ScriptedBus[] = [];
  const bus = new PersistentBus(() => {
    const one = new ScriptedBus();
    one.onOpen = scripts[Math.min(made.length, scripts.length - 1)] ?? one.onOpen;
    made.push(one);
    return one;
  }, runtime);
  const heard: string[] = [];
  const receiver: BusReceiver = {
    onFrame: (frame) => {
      heard.push(`frame ${frame}`);
    },
    onForeign: ({ text }) => {
      heard.push(`foreign ${text}`);
    },
    onContinuity: (event) => {
      heard.push(
        event.type === 'resumed' ? `resumed ${event.loss}` : `${event.type} ${event.cause.code}`,
      );
    },
  };
  return { runtime, made, bus, heard, receiver };
}

describe('a bus that is made by a function', () => {
  it('opens at once although the broker is away, and is told when it was found', async () => {
    const { bus, receiver, heard, made, runtime } = bench(unreachable, unreachable, () =>
      Promise.resolve(),
    );
    await bus.open(receiver);
    expect(bus.state).to.equal('interrupted');
    await runtime.pass(10_000);
    expect(made).to.have.lengthOf(3);
    expect(heard).to.deep.equal([
      'interrupted BUS_UNREACHABLE',
      'interrupted BUS_UNREACHABLE',
      'resumed possible',
    ]);
    expect(bus.state).to.equal('open');
  });

  it('makes a fresh bus for each attempt, and closes the one that failed', async () => {
    const { bus, receiver, made, runtime } = bench(unreachable, () => Promise.resolve());
    await bus.open(receiver);
    await runtime.pass(1_000);
    expect(new Set(made)).to.have.lengthOf(2);
    expect(made[0]?.closes).to.equal(1);
    expect(made[1]?.closes).to.equal(0);
  });

  it('waits longer after every failure, and no longer than 5 s', async () => {
    const { bus, receiver, made, runtime } = bench(unreachable);
    await bus.open(receiver);
    const times: number[] = [];
    for (let ms = 0; ms < 40_000; ms += 10) {
      const before = made.length;
      await runtime.pass(10);
      if (made.length > before) times.push(runtime.now().monoMs);
    }
    const waits = times.map((time, index) => time - (times[index - 1] ?? 1_000));
    for (const [index, expected] of [200, 400, 800, 1_600, 3_200, 5_000, 5_000].entries()) {
      expect(waits[index]).to.be.within(expected - 20, expected + 20);
    }
  });

  it('tries again slowly what only a person can mend, and says what it is', async () => {
    const { bus, receiver, heard, made, runtime } = bench(denied);
    await bus.open(receiver);
    await runtime.pass(29_000);
    expect(made).to.have.lengthOf(1);
    await runtime.pass(2_000);
    expect(made).to.have.lengthOf(2);
    expect(heard).to.deep.equal(['interrupted BUS_ACCESS_DENIED', 'interrupted BUS_ACCESS_DENIED']);
  });

  it('makes another bus when one has failed for good, and does not hear the old one any more', async () => {
    const { bus, receiver, heard, made, runtime } = bench(() => Promise.resolve());
    await bus.open(receiver);
    await turn();
    made[0]?.fail(new BusError('BUS_ACCESS_DENIED', 'banned'));
    made[0]?.receiver?.onFrame('late');
    await runtime.pass(31_000);
    made[1]?.receiver?.onFrame('new');
    expect(heard).to.deep.equal([
      'resumed possible',
      'interrupted BUS_ACCESS_DENIED',
      'resumed possible',
      'frame new',
    ]);
  });

  it('passes on what the bus in use says, and publishes on it', async () => {
    const { bus, receiver, heard, made } = bench(() => Promise.resolve());
    await bus.open(receiver);
    await turn();
    made[0]?.receiver?.onForeign({ text: 'x', id: '1' });
    made[0]?.interrupt();
    made[0]?.resume('none');
    await bus.publish('f', { summary: 's' });
    expect(heard).to.deep.equal([
      'resumed possible',
      'foreign x',
      'interrupted BUS_UNREACHABLE',
      'resumed none',
    ]);
    expect(made[0]?.published).to.deep.equal([{ frame: 'f', summary: 's' }]);
  });

  it('publishes nothing while no bus is there, and says that it was not sent', async () => {
    const { bus, receiver, runtime } = bench(unreachable);
    await bus.open(receiver);
    await runtime.pass(1);
    const error = await failureOf(bus.publish('f'));
    expect(error).to.deep.include({ code: 'BUS_INTERRUPTED', outcome: 'not-sent' });
  });

  it('gives up a bus that neither opens nor fails, after a minute', async () => {
    const { bus, receiver, heard, made, runtime } = bench(
      () => new Promise<void>(() => undefined),
      () => Promise.resolve(),
    );
    await bus.open(receiver);
    await runtime.pass(62_000);
    expect(made).to.have.lengthOf(2);
    expect(heard).to.deep.equal(['interrupted BUS_UNREACHABLE', 'resumed possible']);
  });

  it('takes a function that throws later for a failure, and one that throws at first for a mistake', async () => {
    expect(
      () =>
        new PersistentBus(() => {
          throw new TypeError('no URL');
        }, new VirtualRuntime()),
    ).to.throw(TypeError, 'no URL');
    const runtime = new VirtualRuntime();
    let calls = 0;
    const bus = new PersistentBus(() => {
      calls += 1;
      if (calls === 2) throw new Error('out of files');
      const one = new ScriptedBus();
      if (calls === 1) one.onOpen = unreachable;
      return one;
    }, runtime);
    const { receiver, heard } = bench();
    await bus.open(receiver);
    await runtime.pass(5_000);
    expect(calls).to.equal(3);
    expect(heard).to.deep.equal([
      'interrupted BUS_UNREACHABLE',
      'interrupted BUS_UNREACHABLE',
      'resumed possible',
    ]);
  });

  it('does not use a bus that takes smaller frames than the first', async () => {
    const runtime = new VirtualRuntime();
    let calls = 0;
    const bus = new PersistentBus(() => {
      calls += 1;
      const one = new ScriptedBus({ maxFrameBytes: calls === 1 ? 8_192 : 4_096 });
      if (calls === 1) one.onOpen = unreachable;
      return one;
    }, runtime);
    const { receiver, heard } = bench();
    await bus.open(receiver);
    await runtime.pass(2_000);
    expect(heard).to.deep.equal(['interrupted BUS_UNREACHABLE', 'interrupted BUS_MISCONFIGURED']);
  });

  for (const [what, script] of [
    ['opening', () => new Promise<void>(() => undefined)],
    ['waiting', unreachable],
    ['open', () => Promise.resolve()],
  ] as const) {
    it(`closes while it is ${what}: nothing is heard, made or due after it`, async () => {
      const { bus, receiver, heard, made, runtime } = bench(script);
      await bus.open(receiver);
      await runtime.pass(10);
      heard.length = 0;
      const before = made.length;
      await bus.close();
      await bus.close();
      made.at(-1)?.receiver?.onFrame('late');
      await runtime.pass(200_000);
      expect(heard).to.deep.equal([]);
      expect(made).to.have.lengthOf(before);
      expect(made.at(-1)?.closes).to.be.above(0);
      expect(runtime.timers).to.equal(0);
      expect(bus.state).to.equal('closed');
    });
  }
});

describe('a cluster that is joined with a function', () => {
  it('does not wait for the broker: reads are served, status says why it is away, and it takes part when it is back', async () => {
    const network = memoryNetwork();
    network.refuse('BUS_UNREACHABLE');
    const runtime = new VirtualRuntime();
    const told: string[] = [];
    const stop = onTelemetry('unstale:continuity', ({ event }) => {
      told.push(event.type);
    });
    const cluster = await joinCluster({
      name: 'test',
      label: 'me',
      bus: () => memoryBus({ channel: 'test', network }),
      expectedNodes: 1,
      lingerMs: 0,
      runtime,
    });
    const cache = cluster.cache<string>('things', {
      maxEntries: 10,
      load: (key) => key.toUpperCase(),
    });
    expect(await cache.get('a')).to.equal('A');
    await runtime.pass(1_000);
    expect(cluster.status()).to.deep.include({ bus: 'away', ready: true });
    expect(cluster.status().busProblem?.code).to.equal('BUS_UNREACHABLE');
    expect(await cache.invalidate('a')).to.deep.include({ by: 'local' });
    network.heal();
    await runtime.pass(6_000);
    expect(cluster.status()).to.deep.include({ bus: 'open', busProblem: undefined, unsent: 0 });
    expect(told).to.include.members(['interrupted', 'resumed']);
    stop();
    const closing = cluster.close();
    await runtime.pass(3_000);
    await closing;
  });

  it('is joined again under its own name after the broker has let it in for good', async () => {
    const network = memoryNetwork();
    network.refuse('BUS_ACCESS_DENIED');
    const runtime = new VirtualRuntime();
    const cluster = await joinCluster({
      name: 'test',
      label: 'me',
      bus: () => memoryBus({ channel: 'test', network }),
      expectedNodes: 1,
      lingerMs: 0,
      runtime,
    });
    await runtime.pass(1_000);
    expect(cluster.status().busProblem?.code).to.equal('BUS_ACCESS_DENIED');
    network.heal();
    await runtime.pass(31_000);
    expect(cluster.status().bus).to.equal('open');
    const closing = cluster.close();
    await runtime.pass(3_000);
    await closing;
  });
});
