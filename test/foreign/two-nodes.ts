import { loadBus, type BusConfig } from '../../src/config/index.ts';
import { joinCluster, onTelemetry, type Cluster, type CoherentCache } from '../../src/index.ts';

interface Node {
  readonly cluster: Cluster;
  readonly articles: CoherentCache<string>;
}

/** Two nodes on one bus, each with a cache in which the same articles are. */
export class TwoNodes {
  readonly nodes: readonly Node[];

  static async join(config: BusConfig): Promise<TwoNodes> {
    const clusters = await Promise.all(
      [1, 2].map(async () => {
        const bus = await loadBus(config);
        return await joinCluster({ name: 'shop', bus, expectedNodes: 2, lingerMs: 0 });
      }),
    );
    await Promise.all(clusters.map((cluster) => cluster.ready()));
    return new TwoNodes(clusters);
  }

  private constructor(clusters: readonly Cluster[]) {
    this.nodes = clusters.map((cluster) => ({
      cluster,
      articles: cluster.cache<string>('articles', {
        maxEntries: 100,
        load: (id) => Promise.resolve(`loaded ${id}`),
      }),
    }));
  }

  async fill(...ids: readonly string[]): Promise<void> {
    for (const { articles } of this.nodes) for (const id of ids) await articles.get(id);
  }

  /** Which of `ids` each node still has. */
  kept(...ids: readonly string[]): readonly (readonly string[])[] {
    return this.nodes.map(({ articles }) => ids.filter((id) => articles.peek(id) !== undefined));
  }

  /** Resolves once no node has `id` any more. */
  async gone(id: string): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.kept(id).some((ids) => ids.length > 0)) return;
        stop();
        resolve();
      };
      // The telemetry tells of an invalidation when it is about to be applied.
      const stop = onTelemetry('unstale:applied', () => {
        setImmediate(look);
      });
      look();
    });
  }

  async leave(): Promise<void> {
    await Promise.all(this.nodes.map(({ cluster }) => cluster.close()));
  }
}
