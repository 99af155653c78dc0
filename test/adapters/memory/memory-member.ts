import type { BusReceiver, InvalidationBus } from '../../../src/index.ts';
import { memoryBus, type MemoryBusOptions } from '../../../adapters/memory/index.ts';

export interface MemoryMember {
  readonly bus: InvalidationBus;
  readonly heard: string[];
}

/** An open memory bus, and what it heard: `x`, `foreign x`, `resumed none`, `gap BUS_OVERFLOW`… */
export async function memoryMember(
  options: MemoryBusOptions & { readonly onHeard?: (line: string) => void },
): Promise<MemoryMember> {
  const heard: string[] = [];
  const hear = (line: string): void => {
    heard.push(line);
    options.onHeard?.(line);
  };
  const receiver: BusReceiver = {
    onFrame: hear,
    onForeign(message) {
      hear(`foreign ${message.text}`);
    },
    onContinuity(event) {
      hear(`${event.type} ${event.type === 'resumed' ? event.loss : event.cause.code}`);
    },
  };
  const bus = memoryBus(options);
  await bus.open(receiver);
  return { bus, heard };
}
