import type { BusChoice, ClusterOptions, InvalidationBus } from '../index.ts';
import { DEFAULT_CHANNEL, type BusConfig } from './bus-config.ts';
import { parseBusUrl, type BusAccount } from './bus-url.ts';
import type { Configuration, Secret } from './configuration.ts';
import { ConfigurationError } from './configuration-error.ts';
import { loadBus, loadBuses } from './load-bus.ts';
import { secretOf, tlsOf } from './secrets.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The part of a configuration that `joinCluster` takes. */
export function clusterOptionsOf(
  configuration: Configuration,
): Omit<ClusterOptions, 'bus' | 'shards'> {
  const {
    cluster,
    // What says where the bus and the caches are is not the cluster's.
    $schema: _schema,
    bus: _bus,
    shards: _shards,
    username: _username,
    password: _password,
    transport: _transport,
    memory: _memory,
    ipc: _ipc,
    xmpp: _xmpp,
    stomp: _stomp,
    amqp: _amqp,
    caches: _caches,
    ...options
  } = configuration;
  return { name: cluster, ...options };
}

/**
 * Makes the bus that a configuration chooses, or one for each of its `shards`: what `joinCluster` takes. Only its client
 * library is loaded.
 * @throws {ConfigurationError} for a secret that is not to be found; {TypeError} for a URL or an option that the
 *   adapter refuses; {ConfigurationError} that says what to install, if the client library is missing
 */
export async function busesOf(
  configuration: Configuration,
  env: Environment = process.env,
): Promise<BusChoice> {
  const { label, shards = 1 } = configuration;
  const config = busConfigOf(configuration, env);
  return await loadBuses(config, shards, label === undefined ? {} : { label });
}

/**
 * Makes the bus that a configuration chooses, where it has no `shards`; else take `busesOf`.
 * @throws as `busesOf`; {ConfigurationError} if there are several
 */
export async function busOf(
  configuration: Configuration,
  env: Environment = process.env,
): Promise<InvalidationBus> {
  const { label, shards = 1 } = configuration;
  if (shards > 1) {
    const finding = `shards: ${shards} buses are needed, not one; make them with busesOf`;
    throw new ConfigurationError('configuration', [finding]);
  }
  return await loadBus(busConfigOf(configuration, env), label === undefined ? {} : { label });
}

/** The chosen bus as plain data, secrets looked up. @throws as `busOf` */
export function busConfigOf(configuration: Configuration, env: Environment): BusConfig {
  if (configuration.bus !== undefined)
    return parseBusUrl(configuration.bus, accountOf(configuration, env));
  const { transport } = configuration;
  switch (transport) {
    case 'memory':
      return { transport, channel: configuration.memory?.channel ?? DEFAULT_CHANNEL };
    case 'ipc': {
      const { channel = DEFAULT_CHANNEL, ...rest } = configuration.ipc ?? {};
      return { transport, channel, ...rest };
    }
    case 'xmpp': {
      const { password, roomPassword, tls, ...rest } = present(configuration.xmpp, transport);
      return {
        transport,
        ...rest,
        ...secretsOf(transport, { password, roomPassword }, env),
        password: secretOf('xmpp.password', password, env),
        ...(tls === undefined ? {} : { tls: tlsOf('xmpp.tls', tls) }),
      };
    }
    case 'stomp': {
      const { username, password, tls, ...rest } = present(configuration.stomp, transport);
      return {
        transport,
        ...rest,
        username: present(username, 'stomp.username'),
        password: secretOf('stomp.password', present(password, 'stomp.password'), env),
        ...(tls === undefined ? {} : { tls: tlsOf('stomp.tls', tls) }),
      };
    }
    case 'amqp': {
      const { password, tls, ...rest } = present(configuration.amqp, transport);
      return {
        transport,
        ...rest,
        ...secretsOf(transport, { password }, env),
        ...(tls === undefined ? {} : { tls: tlsOf('amqp.tls', tls) }),
      };
    }
    case undefined:
  }
  throw new ConfigurationError('configuration', ['transport: say which bus']);
}

/** What a bus URL does not tell. */
function accountOf({ username, password }: Configuration, env: Environment): BusAccount {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: secretOf('password', password, env) }),
  };
}

function secretsOf(
  section: string,
  secrets: Readonly<Record<string, Secret | undefined>>,
  env: Environment,
): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, secret] of Object.entries(secrets)) {
    if (secret !== undefined) found[name] = secretOf(`${section}.${name}`, secret, env);
  }
  return found;
}

function present<Value>(value: Value | undefined, path: string): Value {
  if (value === undefined) throw new ConfigurationError('configuration', [`${path}: is missing`]);
  return value;
}
