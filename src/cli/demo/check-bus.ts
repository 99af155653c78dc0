import type { BusConfig } from '../../config/bus-config.ts';
import { loadBus } from '../../config/load-bus.ts';
import { usageError } from '../user-error.ts';

const DEAF = {
  onFrame: () => undefined,
  onForeign: () => undefined,
  onContinuity: () => undefined,
};

/**
 * Opens and closes the bus once, so that a wrong address or password shows at once and not after the first two modes.
 * @throws {BusError} of `open`; {UserError} for what the adapter refuses
 */
export async function checkBus(config: BusConfig, signal: AbortSignal): Promise<void> {
  const bus = await loadBus(config).catch((error: unknown) => {
    throw error instanceof Error ? usageError(error.message) : error;
  });
  try {
    await bus.open(DEAF, { signal });
  } finally {
    await bus.close();
  }
}
