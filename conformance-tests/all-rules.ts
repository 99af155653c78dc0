import type { RuleTest } from './rule-test.ts';
import { continuityRules } from './rules/continuity.ts';
import { deliveryRules } from './rules/delivery.ts';
import { lifecycleRules } from './rules/lifecycle.ts';
import { publishingRules } from './rules/publishing.ts';
import { robustnessRules } from './rules/robustness.ts';

/** Every test of the contract, in the order of the numbers. */
export const allRules: readonly RuleTest[] = [
  ...deliveryRules,
  ...lifecycleRules,
  ...publishingRules,
  ...continuityRules,
  ...robustnessRules,
];
