import type { Cluster } from '../index.ts';
import { CacheMetrics } from './cache-metrics.ts';
import { ClusterMetrics } from './cluster-metrics.ts';
import { Spans } from './spans.ts';

export interface InstrumentOptions {
  /** Clusters whose state is measured; more can be added with `watch`. */
  readonly clusters?: readonly Cluster[];
  /** Keys as attributes of spans. They may be personal data. Default `false`. */
  readonly recordKeys?: boolean;
}

export interface Instrumentation extends Disposable {
  /** Measures the state of one more cluster, until it is closed. */
  watch(cluster: Cluster): void;
  /** Ends it. */
  stop(): void;
}

/**
 * Tells OpenTelemetry, by its global providers, what the caches and clusters of this process do: metrics,
 * and spans around loads, invalidations and guarded writes. The context of a trace travels with
 * an invalidation, so that what another node drops is linked to the write. See docs/opentelemetry.md.
 */
export function instrument(options: InstrumentOptions = {}): Instrumentation {
  const clusters = new ClusterMetrics(options.clusters ?? []);
  const parts = [
    clusters,
    new CacheMetrics(),
    new Spans({ recordKeys: options.recordKeys ?? false }),
  ];
  const stop = (): void => {
    for (const part of parts.splice(0)) part.stop();
  };
  return {
    watch: (cluster) => {
      clusters.watch(cluster);
    },
    stop,
    [Symbol.dispose]: stop,
  };
}
