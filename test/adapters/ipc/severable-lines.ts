import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';

import { meetingPlace } from '../../../adapters/ipc/ipc-bus.ts';
import { forkBeside } from '../../support/fork-beside.ts';
import { privateFolder } from './private-folder.ts';

/** How far a line lets anything through. */
type Condition = 'up' | 'severed' | 'swallowed';

/**
 * Lines to a hub in a process of its own that can be severed and swallowed: each bus gets a folder in which a proxy
 * poses as the hub. Nothing here keeps the process alive, so that the handles of a bus can be counted.
 */
export class SeverableLines {
  /** Where the hub is. */
  readonly folder: string;
  readonly #removeFolder: () => void;
  readonly #hub: ChildProcess;
  readonly #channels = new Map<string, Promise<void>>();
  readonly #lines = new Map<string, Line>();

  constructor() {
    const { folder, remove } = privateFolder();
    this.folder = folder;
    this.#removeFolder = remove;
    this.#hub = forkBeside(import.meta.url, 'hub-main');
    this.#hub.setMaxListeners(0);
    this.#hub.unref();
    this.#hub.channel?.unref();
  }

  /** The folder for the bus of that name. */
  folderFor(name: string, channel: string): string {
    const folder = join(this.folder, `.line-${this.#lines.size}`);
    const place = meetingPlace({ folder, channel }).key;
    mkdirSync(place, { recursive: true, mode: 0o700 });
    const line = new Line(join(place, 'proxy.sock'), () => this.#address(channel));
    this.#lines.set(name, line);
    return dirname(place);
  }

  sever(name: string): void {
    this.#lines.get(name)?.become('severed');
  }

  swallow(name: string): void {
    this.#lines.get(name)?.become('swallowed');
  }

  heal(name: string): void {
    this.#lines.get(name)?.become('up');
  }

  async close(): Promise<void> {
    for (const line of this.#lines.values()) line.close();
    const exited = once(this.#hub, 'exit');
    this.#hub.kill();
    await exited;
    this.#removeFolder();
  }

  async #address(channel: string): Promise<string> {
    const joined = this.#channels.get(channel) ?? this.#joinHub(channel);
    this.#channels.set(channel, joined);
    await joined;
    const address = await meetingPlace({ folder: this.folder, channel }).find();
    if (address === undefined) throw new Error(`no hub in ${basename(this.folder)}`);
    return address;
  }

  #joinHub(channel: string): Promise<void> {
    return new Promise((resolve) => {
      const onMessage = (message: { channel: string }): void => {
        if (message.channel !== channel) return;
        this.#hub.off('message', onMessage);
        // A listener for messages counts as a reason to stay alive.
        this.#hub.channel?.unref();
        resolve();
      };
      this.#hub.on('message', onMessage);
      this.#hub.channel?.unref();
      this.#hub.send({ folder: this.folder, channel });
    });
  }
}

/** A proxy in place of the hub. */
class Line {
  readonly #server = createServer((bus) => {
    void this.#accept(bus);
  });
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  /** Connections that wait for the end of a swallow. */
  readonly #unanswered = new Set<Socket>();
  readonly #address: () => Promise<string>;
  #condition: Condition = 'up';

  constructor(path: string, address: () => Promise<string>) {
    this.#address = address;
    this.#server.listen(path).unref();
  }

  become(condition: Condition): void {
    this.#condition = condition;
    if (condition === 'severed') {
      for (const socket of [...this.#unanswered, ...[...this.#pairs].flat()]) socket.destroy();
      this.#unanswered.clear();
      this.#pairs.clear();
    }
    for (const socket of [...this.#pairs].flat()) {
      if (condition === 'swallowed') socket.pause();
      else socket.resume();
    }
    if (condition !== 'up') return;
    for (const bus of this.#unanswered) void this.#accept(bus);
    this.#unanswered.clear();
  }

  close(): void {
    this.become('severed');
    this.#server.close();
  }

  async #accept(bus: Socket): Promise<void> {
    bus.unref().on('error', () => undefined);
    if (this.#condition === 'swallowed') {
      this.#unanswered.add(bus);
      return;
    }
    if (this.#condition === 'severed') {
      bus.destroy();
      return;
    }
    const hub = connect(await this.#address()).unref();
    hub.on('error', () => undefined);
    const pair = [bus, hub] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [hub, bus] as const]) {
      from.on('data', (chunk) => to.write(chunk));
      from.on('close', () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
    }
    // The condition may have changed while the hub was looked for.
    this.become(this.#condition);
  }
}
