export { memoryBus, type MemoryBusOptions } from './memory-bus.ts';
export {
  memoryNetwork,
  type MemoryCounters,
  type MemoryNetwork,
  type MemoryNetworkOptions,
  type SwallowedDirection,
} from './memory-network.ts';
export type { MemoryDelivery, MemoryFaults, Odds } from './memory-faults.ts';
