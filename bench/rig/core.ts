import { Coherence } from '../../src/protocol/coherence.ts';
import type { Effect } from '../../src/protocol/effect.ts';
import type { Instant } from '../../src/protocol/instant.ts';
import { ALL_PROTECTIONS } from '../../src/protocol/settings.ts';

/** The protocol of one node, without a bus, attached. */
export function coreOf(label: string, now: Instant = instant()): Coherence {
  const core = new Coherence({
    settings: {
      cluster: 'bench',
      label,
      maxStalenessMs: 30_000,
      forgetAfterMs: 120_000,
      maxFrameBytes: 65_536,
      uniqueLabel: false,
      expectedNodes: undefined,
      guardMaxMs: 10_000,
      onGuardTimeout: 'hold',
      strict: false,
      foreign: 'accept',
      features: [],
      protections: ALL_PROTECTIONS,
    },
    random: Math.random,
    now,
  });
  core.step({ type: 'bus', event: 'opened' }, now);
  return core;
}

export function instant(monoMs: number = performance.now()): Instant {
  return { monoMs, localMs: monoMs, wallMs: Date.now() };
}

/** The frames that a step wants to send. */
export function framesIn(effects: readonly Effect[]): readonly string[] {
  return effects.flatMap((effect) => (effect.type === 'send' ? [effect.frame] : []));
}
