import { joinCluster, onTelemetry } from '../../src/index.ts';
import { loadBus } from '../../src/config/index.ts';
import type { Contender, ContenderConfig } from './contender.ts';

const REGION = 'articles';

export async function unstaleContender(
  config: Extract<ContenderConfig, { type: 'unstale' }>,
): Promise<Contender> {
  const cluster = await joinCluster({
    name: 'bench',
    bus: await loadBus(config.bus),
    expectedNodes: config.nodes,
    lingerMs: 0,
  });
  const cache = cluster.cache<{ readonly key: string }>(REGION, {
    maxEntries: 200_000,
    load: (key) => ({ key }),
  });
  return {
    ready: () => cluster.ready(),
    async warm(keys) {
      for (const key of keys) await cache.get(key);
    },
    left: () => cache.stats().entries,
    async publish(key) {
      const { by } = await cache.invalidate(key);
      if (by !== 'bus') throw new Error(`the broker has not accepted it: settled by ${by}`);
    },
    onEvicted(listener) {
      onTelemetry('unstale:applied', ({ selection, node, cause }) => {
        if (node !== cluster.origin || cause.by === 'local') return;
        for (const key of selection.keys?.[REGION] ?? []) listener(key);
      });
    },
    controlMessages() {
      const { beatsSent, nacksSent, repairsSent } = cluster.status().counters;
      return beatsSent + nacksSent + repairsSent;
    },
    close: () => cluster.close(),
  };
}
