import { expect } from 'chai';
import { describe, it } from 'mocha';
import { memoryBus, memoryNetwork } from '../../adapters/memory/index.ts';
import { describeInvalidationBus, type BusFixture } from '../../conformance-tests/index.ts';
import { failedRules, runSuite } from './run-suite.ts';

describe('describeInvalidationBus', () => {
  it('is satisfied with the shortest fixture there is, and names what that cannot show', async () => {
    const { passed, pending, failed } = await runSuite('short', shortest());
    expect(failed).to.deep.equal([]);
    expect(pending.map((title) => title.slice(0, 5))).to.deep.equal([
      'IB-09',
      'IB-13',
      'IB-22',
      'IB-36',
      'IB-42',
    ]);
    for (const title of pending) expect(title).to.match(/ \[pending: the fixture .+\]$/);
    expect(passed.at(-1)).to.equal('26 of 30 rules exercised; pending: IB-09, IB-13, IB-36, IB-42');
  });

  it('takes the word of the fixture for a rule that the bus cannot show, if it gives a reason', async () => {
    const pending = { 'IB-41': 'the broker of this test is very slow' };
    const verdict = await runSuite('slow', { ...shortest(), pending });
    expect(verdict.failed).to.deep.equal([]);
    expect(verdict.pending.at(-2)).to.match(
      /^IB-41 .+ \[pending: the broker of this test is very slow\]$/,
    );
  });

  it('fails a fixture that calls a rule pending and gives no reason', async () => {
    const verdict = await runSuite('lazy', { ...shortest(), pending: { 'IB-41': ' ' } });
    expect(verdict.failed.map(({ message }) => message).join()).to.include(
      'IB-41 is pending without a reason',
    );
  });

  it('fails a fixture that calls a rule pending which does not exist', async () => {
    const pending = JSON.parse('{"IB-99":"no time"}');
    const verdict = await runSuite('confused', { ...shortest(), pending });
    expect(verdict.failed.map(({ message }) => message).join()).to.include('IB-99 is no rule');
  });

  it('fails every rule when the broker cannot be started', async () => {
    const verdict = await runSuite('down', {
      ...shortest(),
      broker: () => Promise.reject(new Error('no such server')),
    });
    expect(verdict.passed).to.deep.equal([]);
    expect(verdict.failed.map(({ message }) => message)).to.deep.equal(['no such server']);
  });

  it('says what did not come, and what came instead', async () => {
    const network = memoryNetwork();
    network.setFaults({ drop: ({ text }) => text.startsWith('by bus-') });
    const { failed } = await runSuite('lossy', { ...shortest(network), patienceMs: 100 });
    const first = failed.find(({ title }) => title.startsWith('IB-01'));
    expect(first?.message).to.match(
      /^bus-\w+-\d did not hear the frame "by bus-\w+-\d" within 100 ms; it heard nothing$/,
    );
  });

  it('fails a bus that keeps nothing of the contract, and comes to an end all the same', async function ends() {
    this.timeout(30_000);
    const never = new Promise<never>(() => undefined);
    const capabilities = { ordering: 'total', resumption: true, maxFrameBytes: 2_000 } as const;
    const verdict = await runSuite('dead', {
      createBus: () => ({
        capabilities,
        state: 'idle',
        open: () => never,
        publish: () => never,
        close: async () => undefined,
        [Symbol.asyncDispose]: async () => undefined,
      }),
      faults: memoryNetwork(),
      patienceMs: 20,
      halfOpenWithinMs: 20,
    });
    expect(failedRules(verdict).length).to.be.greaterThan(20);
  });

  it('refuses waits that make no sense', () => {
    for (const patienceMs of [0, -1, Number.NaN]) {
      expect(() => {
        describeInvalidationBus('odd', { ...shortest(), patienceMs });
      }).to.throw(TypeError, 'fixture.patienceMs');
    }
  });
});

function shortest(network = memoryNetwork()): BusFixture {
  return {
    createBus: ({ channel, name }) => memoryBus({ channel, name, network }),
    faults: {
      sever: (name) => {
        network.sever(name);
      },
      heal: (name) => {
        network.heal(name);
      },
    },
  };
}
