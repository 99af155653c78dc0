import type { Cluster } from 'unstale';
import type { Answer } from './article-controller.ts';

/** For the load balancer: a server takes part once its writes are covered. */
export class HealthController {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  get(): Answer {
    const { ready, bus, settled, members } = this.#cluster.status();
    const body = JSON.stringify({ ready, bus, settled, members: members.length });
    return { status: ready ? 200 : 503, body: `${body}\n` };
  }
}
