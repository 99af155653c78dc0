import { decode, encode, type Decoded, type Decoder } from '../../src/protocol/codec.ts';
import type { Message } from '../../src/protocol/message.ts';
import type { Settings } from '../../src/protocol/settings.ts';
import { EventQueue } from '../simulation/event-queue.ts';
import { Prng } from '../simulation/prng.ts';
import { CoreNode } from './core-node.ts';
import { settingsOf } from './core-settings.ts';

/** One frame on its way from one node to another, for the rule that decides what becomes of it. */
export interface Delivery {
  readonly from: CoreNode;
  readonly to: CoreNode;
  readonly message: Message;
  readonly atMs: number;
}

export interface SentFrame {
  readonly atMs: number;
  readonly from: CoreNode;
  readonly frame: string;
  readonly message: Message;
}

export type SentMessage = Exclude<Message, { type: 'unknown' }>;

/**
 * Several cores, one line between them, and time that the test lets pass. Everything that is sent is
 * heard by everybody, the sender included, after `latencyMs`, unless `lose` says otherwise.
 */
export class CoreNetwork {
  readonly nodes: CoreNode[] = [];
  readonly sent: SentFrame[] = [];
  readonly random: Prng;
  readonly #settings: Partial<Settings>;
  readonly #queue = new EventQueue();
  #read:
    { readonly frame: string; readonly cluster: string; readonly decoded: Decoded } | undefined;
  nowMs = 0;
  latencyMs: number;
  /** Whether a delivery is lost; how long it takes instead, if that is a number. */
  lose: (delivery: Delivery) => boolean | number = () => false;
  /** Whether the broker tells a publisher that it has accepted a frame. */
  confirms = true;

  constructor(
    options: Partial<Settings> & { readonly seed?: number; readonly latencyMs?: number } = {},
  ) {
    const { seed = 1, latencyMs = 5, ...settings } = options;
    this.random = new Prng(seed);
    this.latencyMs = latencyMs;
    this.#settings = settings;
  }

  /** A node that has just attached; `expectedNodes` and the like come from the network's settings. */
  add(
    label: string,
    options: Partial<Settings> & {
      readonly firstSeq?: number;
      readonly attached?: boolean;
      /** Nodes with the same chance are clones of each other. */
      readonly chance?: string;
    } = {},
  ): CoreNode {
    const { firstSeq, attached = true, chance, ...overrides } = options;
    const node = new CoreNode(this, {
      settings: settingsOf({ ...this.#settings, ...overrides, label }),
      random: this.random.split(chance ?? `${label} ${this.nodes.length}`),
      firstSeq,
    });
    this.nodes.push(node);
    if (attached) node.attach('opened');
    return node;
  }

  /** As many nodes as labels, who know each other and trust what they hear. */
  cluster(...labels: string[]): CoreNode[] {
    const nodes = labels.map((label) => this.add(label, { expectedNodes: labels.length }));
    this.until(() => nodes.every((node) => node.core.members.ready), 60_000);
    // The first beats after that make the first proofs.
    this.run((2 * Math.max(...nodes.map((node) => node.core.boundMs))) / 3);
    this.sent.length = 0;
    for (const node of nodes) node.forgetHistory();
    return nodes;
  }

  /** Reads a frame once for all that hear it. */
  readonly decode: Decoder = (frame, cluster, maxFrameBytes) => {
    if (frame !== this.#read?.frame || cluster !== this.#read.cluster) {
      this.#read = { frame, cluster, decoded: decode(frame, cluster, maxFrameBytes) };
    }
    return this.#read.decoded;
  };

  at(atMs: number, run: () => void): void {
    this.#queue.push(atMs, run);
  }

  publish(from: CoreNode, id: number, frame: string): void {
    const message = read(frame, from.settings.cluster);
    this.sent.push({ atMs: this.nowMs, from, frame, message });
    for (const to of this.nodes) {
      const lost = this.lose({ from, to, message, atMs: this.nowMs });
      if (lost === true || !to.attached) continue;
      const latencyMs = typeof lost === 'number' ? lost : this.latencyMs;
      this.at(this.nowMs + latencyMs, () => {
        if (to.attached) to.hear(frame);
      });
    }
    if (!this.confirms) return;
    this.at(this.nowMs + this.latencyMs, () => {
      from.settle(id, from.attached ? 'accepted' : 'unconfirmed');
    });
  }

  /** Lets time pass. */
  run(durationMs: number): void {
    const endMs = this.nowMs + durationMs;
    this.until(() => false, durationMs, true);
    this.nowMs = endMs;
  }

  /** Lets time pass until it is so. @throws {Error} if it never is */
  until(isSo: () => boolean, limitMs: number, mayEnd = false): void {
    const endMs = this.nowMs + limitMs;
    while (!isSo()) {
      const event = this.#queue.pop();
      if (event === undefined || event.atMs > endMs) {
        if (event !== undefined) this.#queue.push(event.atMs, event.run);
        if (mayEnd) return;
        throw new Error(`it was not so within ${limitMs} ms`);
      }
      this.nowMs = Math.max(this.nowMs, event.atMs);
      event.run();
    }
  }

  /** Messages of one type that were sent, in order. */
  sentOf<Type extends Message['type']>(type: Type): Extract<Message, { type: Type }>[] {
    return this.sent.map(({ message }) => message).filter((one) => isOf(one, type));
  }
}

/** Writes a message of somebody who is not simulated. */
export function frameOf(message: SentMessage, cluster = 'test'): string {
  return encode(cluster, message);
}

function read(frame: string, cluster: string): Message {
  const decoded = decode(frame, cluster, 65_536);
  if (decoded.type !== 'message') throw new Error(`a node sent what cannot be read: ${frame}`);
  return decoded.message;
}

function isOf<Type extends Message['type']>(
  message: Message,
  type: Type,
): message is Extract<Message, { type: Type }> {
  return message.type === type;
}
