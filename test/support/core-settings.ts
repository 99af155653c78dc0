import { ALL_PROTECTIONS, type Settings } from '../../src/protocol/settings.ts';

/** Settings as a cluster resolves them, with a bound of 3 s. */
export function settingsOf(overrides: Partial<Settings> = {}): Settings {
  const maxStalenessMs = overrides.maxStalenessMs ?? 3_000;
  return {
    cluster: 'test',
    label: 'node',
    maxStalenessMs,
    forgetAfterMs: Math.max(4 * maxStalenessMs, 120_000),
    maxFrameBytes: 8_192,
    uniqueLabel: false,
    expectedNodes: undefined,
    guardMaxMs: maxStalenessMs / 3,
    onGuardTimeout: 'hold',
    strict: false,
    foreign: 'accept',
    features: [],
    protections: ALL_PROTECTIONS,
    ...overrides,
  };
}
