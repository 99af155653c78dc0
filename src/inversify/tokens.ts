import type { ServiceIdentifier } from 'inversify';
import type { Configuration } from '../config/configuration.ts';
import type { BusChoice, Cluster, CoherentCache, InvalidationBus, Loader } from '../index.ts';

/** The name of the cluster where an application has only one. */
export const DEFAULT_NAME = 'default';

/** The configuration that a cluster of the container is made from. */
export function configurationToken(name: string = DEFAULT_NAME): ServiceIdentifier<Configuration> {
  return Symbol.for(`unstale:configuration:${name}`);
}

/** The bus of a cluster, a new one for each attempt to join. Rebind it to a memory bus in the application's own tests. */
export function busToken(name: string = DEFAULT_NAME): ServiceIdentifier<InvalidationBus> {
  return Symbol.for(`unstale:bus:${name}`);
}

/**
 * What a cluster joins with: the bus, or where the configuration has `shards` a bus for each of them. Where there are
 * several, this is what to rebind: `toConstantValue({ bus: memoryBus({ channel: 'test' }) })`.
 */
export function busesToken(name: string = DEFAULT_NAME): ServiceIdentifier<BusChoice> {
  return Symbol.for(`unstale:buses:${name}`);
}

/** A cluster; resolving it joins. */
export function clusterToken(name: string = DEFAULT_NAME): ServiceIdentifier<Cluster> {
  return Symbol.for(`unstale:cluster:${name}`);
}

/** The cache of a region that the configuration names. */
export function cacheToken<Value>(
  region: string,
  name: string = DEFAULT_NAME,
): ServiceIdentifier<CoherentCache<Value>> {
  return Symbol.for(`unstale:cache:${name}:${region}`);
}

/** The loader of a region. Bind it, where the cache is to have one: functions cannot be configured. */
export function loaderToken<Value>(
  region: string,
  name: string = DEFAULT_NAME,
): ServiceIdentifier<Loader<Value>> {
  return Symbol.for(`unstale:loader:${name}:${region}`);
}
