import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';

/** How often the profiler looks where the process is, in µs. */
const INTERVAL_US = 200;

/** Writes processor profiles of what is timed, and of nothing else, into a folder; or does nothing. */
export class Profiler {
  readonly #folder: string | undefined;
  readonly #session = new Session();
  #count = 0;

  constructor(folder: string | undefined) {
    this.#folder = folder;
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    this.#session.connect();
  }

  async during<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    if (this.#folder === undefined) return await work();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
    await this.#session.post('Profiler.start');
    try {
      return await work();
    } finally {
      const { profile } = await this.#session.post('Profiler.stop');
      this.#count += 1;
      const file = `${name}-${process.pid}-${this.#count}.cpuprofile`;
      writeFileSync(join(this.#folder, file), JSON.stringify(profile));
    }
  }
}
