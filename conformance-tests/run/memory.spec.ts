import { memoryBus, memoryNetwork, type MemoryBusOptions } from '../../adapters/memory/index.ts';
import { describeBusEndurance, describeInvalidationBus, type BusFixture } from '../index.ts';

describeInvalidationBus('memory', fixtureOf({}));
describeBusEndurance('memory', fixtureOf({}));
describeInvalidationBus(
  'memory (publisher order, resumption)',
  fixtureOf({ ordering: 'publisher', resumption: true }),
);
describeInvalidationBus('memory (no order)', fixtureOf({ ordering: 'none' }));

function fixtureOf(promises: Pick<MemoryBusOptions, 'ordering' | 'resumption'>): BusFixture {
  const network = memoryNetwork();
  const options = { ...promises, network, silenceTimeoutMs: 100 };
  return {
    createBus: ({ channel, name, tuning }) => memoryBus({ ...options, channel, name, tuning }),
    faults: network,
    wrongCredential({ channel, name, tuning }) {
      network.refuse('BUS_ACCESS_DENIED', name);
      return memoryBus({ ...options, channel, name, tuning });
    },
    foreign({ channel }, text) {
      network.sendForeign(channel, text);
    },
    halfOpenWithinMs: 1_000,
  };
}
