import type { ClusterOptions } from '../../src/index.ts';
import type { Line, Site } from './site.ts';
import { Station } from './station.ts';
import { Truth } from './truth.ts';
import { until } from './until.ts';

/** How long a cluster may take until every node counts on every other, in ms. */
const READY_WITHIN_MS = 30_000;

let scenes = 0;

/** One cluster on a channel of its own. */
export class Scene implements AsyncDisposable {
  readonly channel: string;
  readonly truth: Truth = new Truth();
  readonly #site: Site;
  readonly #options: Partial<ClusterOptions>;
  readonly #stations: Station[] = [];

  constructor(site: Site, options: Partial<ClusterOptions>) {
    scenes += 1;
    this.channel = `classic-${process.pid}-${Date.now().toString(36)}-${scenes}`;
    this.#site = site;
    this.#options = options;
  }

  /** A node for each label; resolves once all of them are ready. */
  async joined<const Labels extends readonly string[]>(
    ...labels: Labels
  ): Promise<{ readonly [index in keyof Labels]: Station }> {
    const joining = labels.map(async (label) =>
      this.#joins(label, await this.line(label), labels.length, false),
    );
    const stations = await Promise.all(joining);
    await this.ready();
    // `map` forgets how many there are.
    return stations as { readonly [index in keyof Labels]: Station };
  }

  /** A node that is given a function in place of a bus, so that it need not wait for the broker. */
  joinsLate(label: string, line: Line, nodes: number): Promise<Station> {
    return this.#joins(label, line, nodes, true);
  }

  /** The line of a node that has not joined yet. */
  line(label: string): Promise<Line> {
    return this.#site.line(this.channel, label);
  }

  async ready(): Promise<void> {
    await until(
      'every node is ready',
      () => this.#stations.every(({ cluster }) => cluster.status().ready),
      {
        withinMs: READY_WITHIN_MS,
        describe: () => JSON.stringify(this.#stations.map(({ cluster }) => cluster.status())),
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#stations.map((station) => station.leaves()));
  }

  async #joins(label: string, line: Line, nodes: number, late: boolean): Promise<Station> {
    const cluster = {
      name: this.channel,
      label,
      expectedNodes: nodes,
      lingerMs: 0,
      ...this.#options,
    };
    const station = await Station.joins({ line, late, truth: this.truth, cluster });
    this.#stations.push(station);
    return station;
  }
}
