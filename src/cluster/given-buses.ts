import type { InvalidationBus } from '../bus/invalidation-bus.ts';
import type { ClusterOptions, GivenBus } from './cluster-options.ts';
import { PersistentBus } from './persistent-bus.ts';
import type { Runtime } from './runtime.ts';

/** Each shard is a bus, a connection and a membership of its own: more are hardly meant. */
const MAX_SHARDS = 64;

/** The buses that a node was given, in the order of their channels. @throws {TypeError} unless it is `bus` or `shards` */
export function givenBuses(
  { bus, shards }: Pick<ClusterOptions, 'bus' | 'shards'>,
  runtime: Runtime,
): readonly InvalidationBus[] {
  if ((bus === undefined) === (shards === undefined)) {
    const got = bus === undefined ? 'neither' : 'both';
    throw new TypeError(`give either bus or shards, a list of buses; got ${got}`);
  }
  if (shards === undefined) return [made('bus', bus, runtime)];
  if (!Array.isArray(shards) || shards.length === 0 || shards.length > MAX_SHARDS) {
    throw new TypeError(`shards must be a list of 1 to ${MAX_SHARDS} buses`);
  }
  if (new Set(shards).size < shards.length) {
    throw new TypeError('shards must be different buses, each on a channel of its own');
  }
  return shards.map((each, index) => made(`shards[${index}]`, each, runtime));
}

function made(name: string, given: GivenBus | undefined, runtime: Runtime): InvalidationBus {
  if (typeof given === 'function') return new PersistentBus(given, runtime);
  if (typeof given === 'object' && given !== null && typeof given.open === 'function') return given;
  throw new TypeError(`${name} must be a bus, or a function that makes one`);
}
