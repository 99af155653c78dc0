import { TcpProxy } from '../../conformance-tests/index.ts';
import { SeverableLines } from '../../test/adapters/ipc/severable-lines.ts';
import type { ContenderConfig } from '../rig/contender.ts';
import { keptAlive } from '../rig/kept-alive.ts';
import type { Article } from '../rig/reading.ts';
import { faultNode, type FaultNode } from './fault-node.ts';
import type { BusName, Grounds, Side } from './grounds.ts';

const NODES = 2;
const CHANNEL = 'faults';

/** What is the matter with the line of the far node. */
export interface Line {
  /** Every connection is reset, and every new one. */
  sever(): void;
  heal(): void;
  close(): Promise<void>;
}

/** A node that invalidates, and another one behind a line that can be cut. */
export class FaultPair implements AsyncDisposable {
  readonly near: FaultNode;
  readonly far: FaultNode;
  readonly line: Line;

  static async start(
    side: Side,
    grounds: Grounds,
    load: (key: string) => Promise<Article>,
  ): Promise<FaultPair> {
    const { near, far, line } = await configsOf(side, grounds);
    // One after the other: the first to come makes the exchange, the room, the hub.
    const first = await faultNode(near, load);
    const pair = new FaultPair(first, await faultNode(far, load), line);
    await Promise.all([pair.near.ready(), pair.far.ready()]);
    return pair;
  }

  private constructor(near: FaultNode, far: FaultNode, line: Line) {
    this.near = near;
    this.far = far;
    this.line = line;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.near.close(), this.far.close()]);
    await this.line.close();
  }
}

interface Configs {
  readonly near: ContenderConfig;
  readonly far: ContenderConfig;
  readonly line: Line;
}

async function configsOf(side: Side, grounds: Grounds): Promise<Configs> {
  const near = side.config(NODES, CHANNEL);
  if (side.name === 'ipc') return ipcConfigs();
  const course = grounds.courses.get(side.name as BusName);
  const proxy = await TcpProxy.to(course?.address ?? grounds.redis);
  const through = { host: proxy.host, port: proxy.port };
  return { near, far: course?.unstale(NODES, through) ?? redirected(near, through), line: proxy };
}

function redirected(
  config: ContenderConfig,
  through: { readonly host: string; readonly port: number },
): ContenderConfig {
  if (config.type !== 'peer') throw new TypeError(`${config.type} has no address`);
  return { ...config, ...through };
}

/** Sockets in a folder have no address: the proxy of the adapter’s own tests poses as the hub. */
function ipcConfigs(): Configs {
  const lines = new SeverableLines();
  const [near, far] = ['near', 'far'].map((name) => lines.folderFor(name, CHANNEL));
  if (near === undefined || far === undefined) throw new Error('no folder for the sockets');
  const bus = { transport: 'ipc', channel: CHANNEL } as const;
  return {
    near: { type: 'unstale', nodes: NODES, bus: { ...bus, folder: near } },
    far: { type: 'unstale', nodes: NODES, bus: { ...bus, folder: far } },
    line: {
      sever: () => {
        lines.sever('far');
      },
      heal: () => {
        lines.heal('far');
      },
      close: () => keptAlive(() => lines.close()),
    },
  };
}
