import {
  metrics,
  type BatchObservableResult,
  type Meter,
  type ObservableGauge,
} from '@opentelemetry/api';
import type { Cluster, ClusterStatus } from '../index.ts';
import { ATTRIBUTES } from './attributes.ts';
import { SCOPE } from './scope.ts';

/** What is measured of each cluster, whenever metrics are collected. */
const GAUGES: readonly {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly read: (status: ClusterStatus) => number;
}[] = [
  {
    name: 'unstale.bus.open',
    unit: '1',
    description: 'Whether the bus is open: 1 or 0.',
    read: ({ bus }) => (bus === 'open' ? 1 : 0),
  },
  {
    name: 'unstale.members',
    unit: '{member}',
    description: 'Other members that this node knows.',
    // With shards, everybody is on the first of them.
    read: (status) => (status.shards?.[0] ?? status).members.length,
  },
  {
    name: 'unstale.members.unproven',
    unit: '{member}',
    description:
      'Members of whom it is not proven that everything they published was applied here.',
    read: ({ members }) => members.filter(({ note }) => note !== 'proven').length,
  },
  {
    name: 'unstale.unsent',
    unit: '{batch}',
    description: 'Batches that the broker has not accepted yet.',
    read: ({ unsent }) => unsent,
  },
  {
    name: 'unstale.staleness.bound',
    unit: 's',
    description: 'The staleness bound in force.',
    read: ({ boundMs }) => boundMs / 1_000,
  },
];

/** The state of clusters, as observable gauges. */
export class ClusterMetrics {
  readonly #meter: Meter;
  readonly #gauges: readonly (readonly [ObservableGauge, (status: ClusterStatus) => number])[];
  readonly #clusters = new Set<Cluster>();
  readonly #observe = (result: BatchObservableResult): void => {
    for (const cluster of this.#clusters) {
      const attributes = { [ATTRIBUTES.cluster]: cluster.name };
      const status = cluster.status();
      for (const [gauge, value] of this.#gauges) result.observe(gauge, value(status), attributes);
    }
  };

  constructor(clusters: readonly Cluster[]) {
    this.#meter = metrics.getMeter(SCOPE);
    this.#gauges = GAUGES.map(({ name, unit, description, read }) => [
      this.#meter.createObservableGauge(name, { unit, description }),
      read,
    ]);
    for (const cluster of clusters) this.watch(cluster);
    this.#meter.addBatchObservableCallback(
      this.#observe,
      this.#gauges.map(([gauge]) => gauge),
    );
  }

  watch(cluster: Cluster): void {
    this.#clusters.add(cluster);
  }

  stop(): void {
    this.#meter.removeBatchObservableCallback(
      this.#observe,
      this.#gauges.map(([gauge]) => gauge),
    );
    this.#clusters.clear();
  }
}
