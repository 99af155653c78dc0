import { Option, type Command } from 'commander';
import { BUS_URL_FORMS } from '../config/bus-url.ts';
import type { Configuration } from '../config/configuration.ts';
import { ConfigurationError } from '../config/configuration-error.ts';
import type { LoadedConfiguration } from '../config/load-configuration.ts';
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
  To keep a password out of the command line, put it into UNSTALE_BUS_URL or a configuration file.`;

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
    if (!(error instanceof ConfigurationError)) throw error;
    const findings = error.findings.map((finding) => `\n  ${finding}`).join('');
    throw usageError(`the configuration is wrong:${findings}`);
  }
}
