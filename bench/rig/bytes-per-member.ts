import { collectGarbage } from './collect-garbage.ts';
import { coreOf, framesIn, instant } from './core.ts';

const MEMBERS = 1_000;
/** Each publishes so many, so that what is kept of its numbers is there. */
const INVALIDATIONS = 3;

/** What a node keeps of each other one: the heap of a node that has heard many, against before. */
export function bytesPerMember(): number {
  const listener = coreOf('listener');
  const frames = Array.from({ length: MEMBERS }, (_, number) => framesOf(`web-${number}`)).flat();
  const before = heapInUse();
  let atMs = performance.now();
  for (const frame of frames) {
    atMs += 1;
    listener.step({ type: 'frame', frame }, instant(atMs));
  }
  const after = heapInUse();
  if (listener.members.size !== MEMBERS) {
    throw new Error(`${listener.members.size} members were heard, not ${MEMBERS}`);
  }
  return (after - before) / MEMBERS;
}

/** What a node says at first: its beat, and some invalidations. */
function framesOf(label: string): string[] {
  const frames: string[] = [];
  const core = coreOf(label);
  for (let call = 1; call <= INVALIDATIONS; call += 1) {
    const selection = { keys: { articles: [`article:${call}`] } };
    const effects = core.step(
      { type: 'invalidate', call, selection, wait: { for: 'bus' } },
      instant(),
    );
    for (const effect of effects) {
      if (effect.type !== 'send') continue;
      frames.push(effect.frame);
      core.step({ type: 'sent', id: effect.id, outcome: 'accepted' }, instant());
    }
  }
  frames.push(...framesIn(core.step({ type: 'timer' }, instant(core.wakeAtMs + 1))));
  return frames;
}

function heapInUse(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
