import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BusConfig } from '../../config/bus-config.ts';
import { parseBusUrl, showBusUrl } from '../../config/bus-url.ts';
import type { DemoFlags } from '../demo.ts';
import { packageFolder } from '../package-folder.ts';
import { usageError } from '../user-error.ts';
import { listResources, type ResourceList } from './resource-list.ts';

const HIGHEST_PORT = 65_535;

/** What a run of the demo consists of. */
export interface DemoPlan {
  readonly flags: DemoFlags;
  readonly bus: BusConfig;
  /** As it may be shown: without a password. */
  readonly busText: string;
  readonly folder: string;
  readonly list: ResourceList;
}

/**
 * Reads what the command line says, before anything is started.
 * @throws {UserError} that says what is wrong with it
 */
export async function planDemo(flags: DemoFlags): Promise<DemoPlan> {
  if (flags.port !== undefined && flags.port + flags.nodes > HIGHEST_PORT) {
    throw usageError(
      `--port ${flags.port} leaves no room for ${flags.nodes} servers: the highest port is ${HIGHEST_PORT}`,
    );
  }
  const bus = readBus(flags.bus);
  const own = fileURLToPath(await packageFolder());
  const folder = resolve(flags.resources ?? own);
  // In a clone, the sources are served and what was made of them is not; an installed package has nothing else.
  const isClone = flags.resources === undefined && existsSync(join(own, 'src'));
  const list = await listResources(folder, isClone ? ['dist', 'coverage'] : []);
  return { flags, bus, busText: showBusUrl(flags.bus), folder, list };
}

function readBus(url: string): BusConfig {
  try {
    return parseBusUrl(url);
  } catch (error) {
    throw error instanceof TypeError ? usageError(error.message) : error;
  }
}
