import { Agent } from 'node:http';
import { setImmediate as yieldToOthers, setTimeout as wait } from 'node:timers/promises';
import { sharedNowMs } from './clock.ts';
import { ask } from './http-client.ts';
import { versionOf } from './remote-storage.ts';
import type { Tally } from './tally.ts';
import {
  plannedReads,
  plannedSaves,
  popularityOf,
  type PlannedRead,
  type PlannedSave,
  type WorkloadOptions,
} from './workload.ts';

/** Requests under way at one time; what is due beyond them is not sent, and counts as an error. */
const MAX_IN_FLIGHT = 2_000;
/** How long an answer is waited for beyond the origin's own latency, in ms. */
const ANSWER_TIMEOUT_MS = 5_000;
/** Warm-up: so many reads under way for each server, and not longer than so many ms. */
const WARM_UP_IN_FLIGHT = 32;
const WARM_UP_MS = 5_000;
/** When so many requests are overdue, the answers get a turn in between. */
const BURST = 64;

export interface DriverOptions {
  readonly workload: WorkloadOptions;
  /** The addresses of the servers. */
  readonly bases: readonly string[];
  readonly originLatencyMs: number;
  readonly tally: Tally;
  readonly signal: AbortSignal;
}

/** Sends the workload to the servers when it is due, whether or not they keep up (open loop), and counts what comes back. */
export class Driver {
  readonly #options: DriverOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MAX_IN_FLIGHT });
  readonly #timeoutMs: number;
  readonly #inFlight = new Set<Promise<void>>();

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#timeoutMs = ANSWER_TIMEOUT_MS + 4 * options.originLatencyMs;
  }

  /** Has every server read the resources once, the popular ones first; nothing of it is counted. */
  async warmUp(): Promise<void> {
    const { bases, signal, workload } = this.#options;
    const endMs = sharedNowMs() + WARM_UP_MS;
    const popular = popularityOf(workload);
    const readers = bases.flatMap((base) => {
      const ids = popular.values();
      return Array.from({ length: WARM_UP_IN_FLIGHT }, async () => {
        for (const id of ids) {
          if (signal.aborted || sharedNowMs() > endMs) return;
          await this.#get(base, id).catch(() => undefined);
        }
      });
    });
    await Promise.all(readers);
    signal.throwIfAborted();
  }

  /** Resolves when everything was sent and answered. */
  async run(): Promise<void> {
    const { workload } = this.#options;
    const startMs = sharedNowMs();
    await Promise.all([
      this.#play(startMs, plannedReads(workload), (read) => this.#read(read)),
      this.#play(startMs, plannedSaves(workload), (save) => this.#save(save)),
      wait(workload.seconds * 1_000, undefined, { signal: this.#options.signal }),
    ]);
    await Promise.all(this.#inFlight);
  }

  /** Whatever is still under way fails. */
  close(): void {
    this.#agent.destroy();
  }

  async #play<Item extends PlannedRead>(
    startMs: number,
    plan: Iterable<Item>,
    send: (item: Item) => Promise<void>,
  ): Promise<void> {
    const { signal } = this.#options;
    let burst = 0;
    for (const item of plan) {
      const dueInMs = startMs + item.atMs - sharedNowMs();
      burst = dueInMs > 0 ? 0 : burst + 1;
      if (dueInMs > 0) await wait(dueInMs, undefined, { signal });
      else if (burst % BURST === 0) await yieldToOthers();
      signal.throwIfAborted();
      this.#track(send(item));
    }
  }

  #track(answered: Promise<void>): void {
    this.#inFlight.add(answered);
    void answered.finally(() => this.#inFlight.delete(answered));
  }

  async #read({ server, id }: PlannedRead): Promise<void> {
    const { tally, bases } = this.#options;
    tally.reads += 1;
    if (this.#isCrowded()) return;
    const startMs = sharedNowMs();
    try {
      const { headers, status, body } = await this.#get(bases[server] ?? '', id);
      if (status !== 200) {
        tally.failed(`reading: ${status} ${body.toString().trim().slice(0, 200)}`);
        return;
      }
      const tookMs = sharedNowMs() - startMs;
      const version = versionOf({ headers });
      tally.answered({ id, version, startMs, tookMs, isHit: headers['x-cache'] === 'hit' });
    } catch (error) {
      this.#failed('reading', error);
    }
  }

  async #save({ server, id, body }: PlannedSave): Promise<void> {
    const { tally, bases } = this.#options;
    tally.saves += 1;
    if (this.#isCrowded()) return;
    try {
      const answer = await ask({
        agent: this.#agent,
        method: 'PUT',
        base: bases[server] ?? '',
        id,
        body,
        timeoutMs: this.#timeoutMs,
      });
      if (answer.status >= 300) tally.failed(`saving: ${answer.status} ${answer.body.toString()}`);
    } catch (error) {
      this.#failed('saving', error);
    }
  }

  #isCrowded(): boolean {
    if (this.#inFlight.size < MAX_IN_FLIGHT) return false;
    this.#options.tally.failed(`not sent, because ${MAX_IN_FLIGHT} requests were under way`);
    return true;
  }

  async #get(base: string, id: string): ReturnType<typeof ask> {
    return await ask({ agent: this.#agent, method: 'GET', base, id, timeoutMs: this.#timeoutMs });
  }

  #failed(doing: string, error: unknown): void {
    if (this.#options.signal.aborted) return;
    this.#options.tally.failed(
      `${doing}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
