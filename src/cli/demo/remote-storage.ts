import { Agent } from 'node:http';
import { ask, type HttpAnswer } from './http-client.ts';
import { HttpError } from './http-service.ts';
import type { Storage } from './resource-cache.ts';

/** Connections to the origin that one server keeps; further requests wait for one. */
const MAX_CONNECTIONS = 256;

const TIMEOUT_MS = 15_000;

/** The origin as a server sees it: over HTTP. */
export class RemoteStorage implements Storage {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS });
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  async read(id: string): Promise<{ readonly version: number; readonly body: Buffer }> {
    const answer = await this.#ask('GET', id);
    return { version: versionOf(answer), body: answer.body };
  }

  async save(id: string, body: Buffer): Promise<number> {
    return versionOf(await this.#ask('PUT', id, body));
  }

  close(): void {
    this.#agent.destroy();
  }

  async #ask(method: 'GET' | 'PUT', id: string, body?: Buffer): Promise<HttpAnswer> {
    const answer = await ask({
      agent: this.#agent,
      method,
      base: this.#base,
      id,
      timeoutMs: TIMEOUT_MS,
      ...(body === undefined ? {} : { body }),
    });
    if (answer.status >= 300) throw new HttpError(answer.status, answer.body.toString().trim());
    return answer;
  }
}

/** Which version an answer carries. */
export function versionOf({ headers }: Pick<HttpAnswer, 'headers'>): number {
  return Number(headers['x-version']);
}
