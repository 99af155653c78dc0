import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import type { BusConfig } from '../../config/bus-config.ts';
import { failed, ok, skipped, type Finding } from './finding.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Whether each address has a name that resolves, and somebody who listens. */
export async function checkAddress(config: BusConfig, withinMs: number): Promise<Finding> {
  const addresses = addressesOf(config);
  if (addresses.length === 0) return skipped('address', `${config.transport} has no address`);
  const problems: string[] = [];
  const reached: string[] = [];
  for (const { host, port } of addresses) {
    const problem = await problemOf({ host, port }, withinMs);
    if (problem === undefined) reached.push(`${host}:${port}`);
    else problems.push(`${host}:${port} ${problem}`);
  }
  if (reached.length > 0)
    return ok(
      'address',
      `${reached.join(', ')} can be reached${problems.length > 0 ? `; ${problems.join(', ')}` : ''}`,
    );
  return failed(
    'address',
    problems.join(', '),
    'check host and port in the configuration, that the broker runs and listens on that interface, and the firewalls between',
  );
}

async function problemOf({ host, port }: Address, withinMs: number): Promise<string | undefined> {
  try {
    await lookup(host);
  } catch {
    return 'has a name that does not resolve (DNS)';
  }
  return await new Promise((resolve) => {
    const socket = connect({ host, port, timeout: withinMs });
    const done = (problem: string | undefined): void => {
      socket.destroy();
      resolve(problem);
    };
    socket.once('connect', () => {
      done(undefined);
    });
    socket.once('timeout', () => {
      done(`does not answer within ${withinMs} ms`);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      done(
        error.code === 'ECONNREFUSED'
          ? 'refuses: nobody listens there'
          : `cannot be reached (${error.code ?? 'error'})`,
      );
    });
  });
}

const DEFAULT_PORTS = { xmpp: 5_222, xmpps: 5_223, ws: 80, wss: 443 } as const;

function addressesOf(config: BusConfig): readonly Address[] {
  switch (config.transport) {
    case 'memory':
    case 'ipc':
      return [];
    case 'xmpp': {
      const url = new URL(config.service);
      const scheme = url.protocol.slice(0, -1);
      const fallback = isScheme(scheme) ? DEFAULT_PORTS[scheme] : DEFAULT_PORTS.xmpp;
      const port = url.port === '' ? fallback : Number(url.port);
      return listed(config.hosts, url.hostname.replace(/^\[(.*)\]$/, '$1'), port);
    }
    case 'stomp':
      return listed(
        config.hosts,
        config.host ?? 'localhost',
        config.port ?? (config.tls ? 61_614 : 61_613),
      );
    case 'amqp':
      return listed(
        config.hosts,
        config.host ?? 'localhost',
        config.port ?? (config.tls ? 5_671 : 5_672),
      );
  }
}

function isScheme(text: string): text is keyof typeof DEFAULT_PORTS {
  return Object.hasOwn(DEFAULT_PORTS, text);
}

function listed(
  hosts: readonly string[] | undefined,
  host: string,
  port: number,
): readonly Address[] {
  if (hosts === undefined) return [{ host, port }];
  return hosts.map((each) => {
    const match = /^(.*?)(?::(\d+))?$/.exec(each.replace(/^\[(.*)\](?=:|$)/, '$1'));
    return { host: match?.[1] ?? each, port: match?.[2] === undefined ? port : Number(match[2]) };
  });
}
