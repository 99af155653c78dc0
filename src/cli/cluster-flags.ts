import { Option, type Command } from 'commander';
import { BUS_URL_FORMS } from '../config/bus-url.ts';
import type { BusConfig } from '../config/bus-config.ts';
import type { Configuration } from '../config/configuration.ts';
import { ConfigurationError } from '../config/configuration-error.ts';
import type { LoadedConfiguration } from '../config/load-configuration.ts';
import {
  joinCluster,
  type BusChoice,
  type Cluster,
  type ClusterOptions,
  type InvalidationBus,
} from '../index.ts';
import { usageError } from './user-error.ts';

/** Which cluster a command takes part in. */
export interface ClusterFlags {
  readonly config?: string;
  readonly bus?: string;
  readonly cluster?: string;
  readonly label?: string;
}

/** The name of the cluster where nothing says it. */
const DEFAULT_CLUSTER = 'default';

export const CLUSTER_TEACHING: string = `
Which cluster, and over which bus, is told by a configuration file (--config, or UNSTALE_CONFIG), overruled by
variables (UNSTALE_CLUSTER, UNSTALE_BUS_URL, UNSTALE_PASSWORD, …), overruled by these flags.

Bus URLs:
${BUS_URL_FORMS.map((form) => `  ${form}`).join('\n')}
  To keep a password out of the command line: UNSTALE_PASSWORD, UNSTALE_PASSWORD_FILE, or a configuration file.`;

/** Adds the flags by which every command finds its cluster. */
export function withClusterFlags(command: Command): Command {
  return command
    .addOption(new Option('--config <file>', 'a configuration, JSON or YAML'))
    .addOption(new Option('--bus <url>', 'what the nodes share to hear each other'))
    .addOption(new Option('--cluster <name>', 'the name of the cluster'))
    .addOption(new Option('--label <name>', 'how this process is called in the cluster'));
}

/** @throws {UserError} that says what is wrong with the configuration, and where */
export async function configurationOf(
  flags: ClusterFlags,
  defaults: Partial<Configuration> = {},
): Promise<LoadedConfiguration> {
  const { loadConfiguration } = await import('../config/load-configuration.ts');
  const { cluster, bus, label, config } = flags;
  const given = {
    ...(cluster === undefined ? {} : { cluster }),
    ...(bus === undefined ? {} : { bus }),
    ...(label === undefined ? {} : { label }),
  };
  const base = { cluster: DEFAULT_CLUSTER, ...defaults };
  try {
    return await loadConfiguration({
      base,
      object: given,
      ...(config === undefined ? {} : { file: config }),
    });
  } catch (error) {
    throw asUserError(error);
  }
}

/** The bus that was chosen, as plain data. @throws {UserError} for a secret that is not to be found */
export async function busConfigFor(configuration: Configuration): Promise<BusConfig> {
  const { busConfigOf } = await import('../config/configured-cluster.ts');
  try {
    return busConfigOf(configuration, process.env);
  } catch (error) {
    throw asUserError(error);
  }
}

/** Makes the bus. @throws {UserError} for what its adapter refuses, and for a client library that is not installed */
export async function busFor(config: BusConfig, label?: string): Promise<InvalidationBus> {
  const { loadBus } = await import('../config/load-bus.ts');
  try {
    return await loadBus(config, label === undefined ? {} : { label });
  } catch (error) {
    throw asUserError(error);
  }
}

/** Makes what a cluster joins with: the bus, or one for each shard. @throws as `busFor` */
export async function busesFor(configuration: Configuration, label?: string): Promise<BusChoice> {
  const config = await busConfigFor(configuration);
  const { loadBuses } = await import('../config/load-bus.ts');
  try {
    const name = label === undefined ? {} : { label };
    return await loadBuses(config, configuration.shards ?? 1, name);
  } catch (error) {
    throw asUserError(error);
  }
}

/** Takes part. @throws {UserError} for options that do not go together; {BusError} of the bus's `open` */
export async function joinFor(
  configuration: Configuration,
  options: BusChoice & Pick<ClusterOptions, 'label' | 'signal' | 'lingerMs'>,
): Promise<Cluster> {
  const { clusterOptionsOf } = await import('../config/configured-cluster.ts');
  try {
    return await joinCluster({ ...clusterOptionsOf(configuration), ...options });
  } catch (error) {
    throw asUserError(error);
  }
}

function asUserError(error: unknown): unknown {
  if (error instanceof ConfigurationError) {
    const findings = error.findings.map((finding) => `\n  ${finding}`).join('');
    return usageError(`the configuration is wrong:${findings}`);
  }
  // An adapter refuses its options with it; the command makes no such calls itself.
  return error instanceof TypeError ? usageError(error.message) : error;
}
