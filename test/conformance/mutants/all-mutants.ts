import { continuityMutants } from './continuity-mutants.ts';
import { deliveryMutants } from './delivery-mutants.ts';
import type { Leftovers } from './leftovers.ts';
import { lifecycleMutants } from './lifecycle-mutants.ts';
import type { Mutant } from './mutant.ts';

export function allMutants(leftovers: Leftovers): readonly Mutant[] {
  return [...deliveryMutants, ...lifecycleMutants(leftovers), ...continuityMutants(leftovers)];
}
