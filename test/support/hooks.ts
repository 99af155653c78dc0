import { stopBrokers } from './brokers.ts';

/** Whatever the specs did, no broker survives the run. */
export async function mochaGlobalTeardown(): Promise<void> {
  await stopBrokers();
}
