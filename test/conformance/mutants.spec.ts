import { expect } from 'chai';
import { describe, it } from 'mocha';
import { memoryBus, memoryNetwork, type MemoryBusOptions } from '../../adapters/memory/index.ts';
import { ruleBook, type BusFixture, type BusPlace } from '../../conformance-tests/index.ts';
import type { InvalidationBus } from '../../src/index.ts';
import { MutantBus } from './mutant-bus.ts';
import { allMutants } from './mutants/all-mutants.ts';
import { Leftovers } from './mutants/leftovers.ts';
import type { Mutant } from './mutants/mutant.ts';
import { failedRules, runSuite } from './run-suite.ts';

describe('the conformance suite against mutants of the memory bus', () => {
  it('passes the memory bus itself', async function passes() {
    this.timeout(30_000);
    const verdict = await runSuite('memory', fixtureOf(undefined, 5_000));
    expect(verdict.failed).to.deep.equal([]);
    expect(verdict.pending).to.deep.equal([]);
  });

  it('has a mutant for every rule', () => {
    const covered = allMutants(new Leftovers()).map(({ rule }) => rule);
    expect(
      Object.keys(ruleBook).filter((rule) => !covered.some((one) => one === rule)),
    ).to.deep.equal([]);
  });

  allMutants(new Leftovers()).forEach(({ rule, fault }, index) => {
    it(`${rule} fails a bus that ${fault}`, async function fails() {
      this.timeout(60_000);
      const leftovers = new Leftovers();
      const mutant = allMutants(leftovers)[index];
      const verdict = await runSuite(`memory that ${fault}`, fixtureOf(mutant, 150));
      await leftovers.clear();
      expect(failedRules(verdict)).to.include(rule);
    });
  });
});

/** The memory bus, or one of its mutants, with waits that are short because nothing is far. */
function fixtureOf(mutant: Mutant | undefined, patienceMs: number): BusFixture {
  const network = memoryNetwork();
  const make = ({ channel, name, tuning }: BusPlace): InvalidationBus => {
    const quiet = { ...tuning, onReceiverError: () => undefined };
    const given = { channel, name, tuning: quiet, network, silenceTimeoutMs: 50 };
    const options: MemoryBusOptions = mutant?.options?.(given) ?? given;
    const bus = memoryBus(options);
    const mutation = mutant?.mutation;
    return mutation === undefined ? bus : new MutantBus(bus, (inner) => mutation(inner, options));
  };
  return {
    createBus: make,
    faults: network,
    wrongCredential: (place) => {
      network.refuse('BUS_ACCESS_DENIED', place.name);
      return make(place);
    },
    foreign: ({ channel }, text) => {
      network.sendForeign(channel, text);
    },
    patienceMs,
    halfOpenWithinMs: patienceMs,
  };
}
