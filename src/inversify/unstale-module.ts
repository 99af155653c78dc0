import {
  ContainerModule,
  type Container,
  type ResolutionContext,
  type ServiceIdentifier,
} from 'inversify';
import { busesOf, busOf, clusterOptionsOf } from '../config/configured-cluster.ts';
import type { Configuration } from '../config/configuration.ts';
import { parseConfiguration } from '../config/parse-configuration.ts';
import {
  joinCluster,
  type CacheOptions,
  type Cluster,
  type CoherentCache,
  type Loader,
} from '../index.ts';
import { ClusterSlot } from './cluster-slot.ts';
import {
  busesToken,
  busToken,
  cacheToken,
  clusterToken,
  configurationToken,
  DEFAULT_NAME,
  loaderToken,
} from './tokens.ts';

export interface UnstaleModuleOptions {
  /** Which cluster of the container this is, where it has several. Default `default`. */
  readonly name?: string;
  /** Regions that the configuration may have caches for. Needed where it is a function; else they are read from it. */
  readonly regions?: readonly string[];
}

/**
 * Binds a cluster and its caches, made from a configuration or from a function of the container.
 * There is one of each, made when it is first resolved: join with `await startUnstale(container)`, and from then on
 * `container.get` and `@inject` find it ready. Where that fails, it may be called again.
 * Unloading the module, or `unbindAllAsync`, leaves.
 * @throws {ConfigurationError} for a configuration that is not one
 */
export function unstaleModule(
  given: Configuration | ((context: ResolutionContext) => Configuration | Promise<Configuration>),
  options: UnstaleModuleOptions = {},
): ContainerModule {
  const { name = DEFAULT_NAME } = options;
  const configuration = typeof given === 'function' ? undefined : parseConfiguration(given);
  const regions = options.regions ?? Object.keys(configuration?.caches ?? {});
  return new ContainerModule(({ bind }) => {
    bind(configurationToken(name))
      .toDynamicValue(async (context) =>
        parseConfiguration(typeof given === 'function' ? await given(context) : configuration),
      )
      .inSingletonScope();
    // A bus opens once, so every attempt to join has one of its own.
    bind(busToken(name)).toResolvedValue((config) => busOf(config), [configurationToken(name)]);
    bind(busesToken(name)).toDynamicValue(async (context) => {
      const config = await context.getAsync(configurationToken(name));
      if ((config.shards ?? 1) > 1) return await busesOf(config);
      return { bus: await context.getAsync(busToken(name)) };
    });
    bind(slotToken(name))
      .toDynamicValue(() => new ClusterSlot())
      .inSingletonScope()
      .onDeactivation((slot: ClusterSlot) => slot.close());
    bind(clusterToken(name)).toDynamicValue((context) =>
      context.get(slotToken(name)).cluster(async () => {
        const config = await context.getAsync(configurationToken(name));
        const buses = await context.getAsync(busesToken(name));
        return await joinCluster({ ...clusterOptionsOf(config), ...buses });
      }),
    );
    for (const region of regions) {
      bind<CoherentCache<unknown>>(cacheToken(region, name)).toDynamicValue((context) => {
        const slot = context.get(slotToken(name));
        return slot.knownCache(region) ?? makeCache(context, slot, { region, name });
      });
    }
  });
}

/**
 * Joins the cluster and makes its caches, so that they can be had synchronously from then on.
 * `untilReady` also waits until the others count on this node; do that before the first write.
 */
export async function startUnstale(
  container: Container,
  options: {
    readonly name?: string;
    readonly untilReady?: boolean;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Cluster> {
  const { name = DEFAULT_NAME, untilReady = false, signal } = options;
  const configuration = await container.getAsync(configurationToken(name));
  const cluster = await container.getAsync(clusterToken(name));
  for (const region of Object.keys(configuration.caches ?? {})) {
    if (container.isBound(cacheToken(region, name)))
      await container.getAsync(cacheToken(region, name));
  }
  if (untilReady) await cluster.ready(signal === undefined ? {} : { signal });
  return cluster;
}

async function makeCache(
  context: ResolutionContext,
  slot: ClusterSlot,
  { region, name }: { readonly region: string; readonly name: string },
): Promise<CoherentCache<unknown>> {
  const config = await context.getAsync(configurationToken(name));
  const cluster = await context.getAsync(clusterToken(name));
  const load = await context.getAsync(loaderToken<unknown>(region, name), { optional: true });
  return slot.cache(cluster, region, cacheOptionsOf(config, region, load));
}

function slotToken(name: string): ServiceIdentifier<ClusterSlot> {
  return Symbol.for(`unstale:slot:${name}`);
}

function cacheOptionsOf(
  configuration: Configuration,
  region: string,
  load: Loader<unknown> | undefined,
): CacheOptions<unknown> {
  const section = configuration.caches?.[region];
  if (section === undefined) {
    throw new TypeError(`caches.${region} is missing in the configuration`);
  }
  return { ...section, ...(load === undefined ? {} : { load }) };
}
