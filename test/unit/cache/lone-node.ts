import { memoryBus, memoryNetwork, type MemoryNetwork } from '../../../adapters/memory/index.ts';
import { joinCluster, type Cluster, type ClusterOptions } from '../../../src/index.ts';
import { VirtualRuntime } from './virtual-runtime.ts';

/** The staleness bound of the clusters of these tests, in ms. */
export const BOUND_MS = 3_000;

export interface Lone {
  readonly cluster: Cluster;
  readonly runtime: VirtualRuntime;
}

/** Clusters of virtual time, closed after each test. */
export class Nodes {
  readonly #nodes: Lone[] = [];

  /** A cluster of one, which proves everything to itself as long as its timers run. */
  async lone(options: Partial<ClusterOptions> = {}): Promise<Lone> {
    const [lone] = await this.several(1, options);
    if (lone === undefined) throw new Error('there is no such node');
    return lone;
  }

  /** Nodes that hear each other at once, and know it. */
  async several(
    count: number,
    options: Partial<ClusterOptions> = {},
    network: MemoryNetwork = memoryNetwork(),
  ): Promise<readonly Lone[]> {
    const nodes: Lone[] = [];
    for (let index = 0; index < count; index += 1) {
      const runtime = new VirtualRuntime();
      const name = `n${index + 1}`;
      const cluster = await joinCluster({
        name: 'test',
        label: name,
        bus: memoryBus({ channel: 'test', network, name }),
        maxStalenessMs: BOUND_MS,
        expectedNodes: count,
        lingerMs: 0,
        runtime,
        ...options,
      });
      nodes.push({ cluster, runtime });
      this.#nodes.push({ cluster, runtime });
    }
    for (let round = 0; round < 20; round += 1) {
      if (nodes.every(({ cluster }) => cluster.status().ready)) return nodes;
      await passAll(nodes, 100);
    }
    throw new Error('the nodes are not ready');
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#nodes.splice(0).map(async ({ cluster, runtime }) => {
        const closed = cluster.close();
        // What lingers does so in virtual time.
        await runtime.pass(10_000);
        await closed;
      }),
    );
  }
}

/** The same time passes for all. */
export async function passAll(nodes: readonly Lone[], ms: number): Promise<void> {
  const STEP_MS = 50;
  for (let left = ms; left > 0; left -= STEP_MS) {
    await Promise.all(nodes.map(({ runtime }) => runtime.pass(Math.min(left, STEP_MS))));
  }
}

/** What `work` rejects with. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}
