import type { Address } from './address.ts';
import type { BusFaults } from './fixture.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** The line of one bus, whatever it is made of. */
export interface Line {
  readonly host: string;
  readonly port: number;
  /** The proxy, where the line is a TCP connection. */
  readonly proxy: TcpProxy | undefined;
  /** Cuts the line and lets the bus attach again at once. */
  readonly cut: () => Promise<void>;
  /** Cuts the line and keeps it cut until `heal`. */
  readonly sever: () => Promise<void>;
  /** Stops everything without a sign, until `heal`. */
  readonly swallow: () => Promise<void>;
  readonly heal: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function proxiedLine(broker: Address): Promise<Line> {
  const proxy = await TcpProxy.to(broker);
  return {
    host: proxy.host,
    port: proxy.port,
    proxy,
    async cut() {
      proxy.cut();
    },
    async sever() {
      proxy.sever();
    },
    async swallow() {
      proxy.swallow();
    },
    async heal() {
      proxy.heal();
    },
    close: () => proxy.close(),
  };
}

/** The line of a bus without a socket. */
export function faultyLine(faults: BusFaults, name: string): Line {
  return {
    host: '',
    port: 0,
    proxy: undefined,
    async cut() {
      await faults.sever(name);
      await faults.heal(name);
    },
    async sever() {
      await faults.sever(name);
    },
    async swallow() {
      if (faults.swallow === undefined) throw new Error('the fixture has no `faults.swallow`');
      await faults.swallow(name);
    },
    async heal() {
      await faults.heal(name);
    },
    async close() {
      await faults.heal(name);
    },
  };
}
