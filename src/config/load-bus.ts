import type { BusChoice, InvalidationBus } from '../index.ts';
import type { BusConfig, Transport } from './bus-config.ts';
import { ConfigurationError } from './configuration-error.ts';
import { onShard } from './shard-channel.ts';

/** What the process adds to the configuration of its bus. */
export interface LoadBusOptions {
  /** Names this node where people see it. */
  readonly label?: string;
}

/** The package whose absence each transport can suffer from. */
const CLIENT_LIBRARIES: Readonly<Record<Transport, readonly string[]>> = {
  memory: [],
  ipc: [],
  xmpp: ['@xmpp/client', 'ws'],
  stomp: ['stompit'],
  amqp: ['amqplib'],
};

/**
 * Makes the bus of a configuration. Its adapter is imported here and now, and with it only the client library chosen.
 * @throws {TypeError} for an option that the adapter refuses; {ConfigurationError} that says what to install, if the client library is missing
 */
export async function loadBus(
  config: BusConfig,
  options: LoadBusOptions = {},
): Promise<InvalidationBus> {
  try {
    return await makeBus(config, options);
  } catch (error) {
    const missing = missingPackage(error, CLIENT_LIBRARIES[config.transport]);
    if (missing === undefined) throw error;
    const finding = `the ${config.transport} bus needs the package ${missing}; install it with: npm install ${missing}`;
    throw new ConfigurationError('transport', [finding], { cause: error });
  }
}

/** As many buses as `shards` says, each on a channel of its own. @throws as `loadBus` */
export async function loadBuses(
  config: BusConfig,
  shards: number,
  options: LoadBusOptions = {},
): Promise<BusChoice> {
  if (shards === 1) return { bus: await loadBus(config, options) };
  const made = Array.from({ length: shards }, (_, index) =>
    loadBus(onShard(config, index), options),
  );
  return { shards: await Promise.all(made) };
}

async function makeBus(config: BusConfig, { label }: LoadBusOptions): Promise<InvalidationBus> {
  switch (config.transport) {
    case 'memory': {
      const { memoryBus } = await import('../../adapters/memory/index.ts');
      return memoryBus({ channel: config.channel });
    }
    case 'ipc': {
      const { ipcBus } = await import('../../adapters/ipc/index.ts');
      const { transport: _, ...options } = config;
      return ipcBus(options);
    }
    case 'xmpp': {
      const { xmppBus } = await import('../../adapters/xmpp/index.ts');
      const { transport: _, ...options } = config;
      return xmppBus({ ...(label === undefined ? {} : { label }), ...options });
    }
    case 'stomp': {
      const { stompBus } = await import('../../adapters/stomp/index.ts');
      const { transport: _, ...options } = config;
      return stompBus(options);
    }
    case 'amqp': {
      const { amqpBus } = await import('../../adapters/amqp/index.ts');
      const { transport: _, ...options } = config;
      return amqpBus(options);
    }
  }
}

/** The package that Node did not find, if it is one of `names`. */
function missingPackage(error: unknown, names: readonly string[]): string | undefined {
  if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) {
    return undefined;
  }
  return names.find((name) => error.message.includes(`'${name}'`));
}
