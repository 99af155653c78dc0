import type { MemoryBusOptions } from '../../../adapters/memory/index.ts';
import type { RuleId } from '../../../conformance-tests/index.ts';
import type { InvalidationBus } from '../../../src/index.ts';
import type { Mutation } from '../mutant-bus.ts';

/** A memory bus with one fault, and the rule that must find it. */
export interface Mutant {
  readonly rule: RuleId;
  /** What is wrong with it. */
  readonly fault: string;
  /** Faults that are options of a memory bus. */
  readonly options?: (options: MemoryBusOptions) => MemoryBusOptions;
  /** Faults in what it does. Called once per bus, so that what it remembers is that bus's own. */
  readonly mutation?: (bus: InvalidationBus, options: MemoryBusOptions) => Mutation;
}

/** A mutant has one fault: what its receiver throws later must not end the process. */
export function contained(call: () => void): void {
  try {
    call();
  } catch {
    // The receiver's own affair, as the engine has it.
  }
}
