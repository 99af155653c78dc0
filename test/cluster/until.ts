import { onTelemetry, type Telemetry } from '../../src/index.ts';

/** How long a test waits for what must come, where it names no shorter time. */
const PATIENCE_MS = 20_000;
/** Not every fact has a channel (proofs age, counters grow): those are looked at so often. */
const LOOK_EVERY_MS = 50;

const CHANNELS = [
  'unstale:report',
  'unstale:applied',
  'unstale:continuity',
] as const satisfies readonly (keyof Telemetry)[];

/**
 * Resolves once `isSo`, looked at whenever a node of this process tells something; with how long that took, in ms.
 * @throws {Error} that says what was waited for, and what `describe` says of the end
 */
export async function until(
  what: string,
  isSo: () => boolean,
  options: { readonly withinMs?: number; readonly describe?: () => string } = {},
): Promise<number> {
  const { withinMs = PATIENCE_MS, describe = () => '' } = options;
  const begun = performance.now();
  const ends: (() => void)[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (isSo()) resolve();
      };
      for (const channel of CHANNELS) ends.push(onTelemetry(channel, look));
      const ticking = setInterval(look, LOOK_EVERY_MS);
      const patience = setTimeout(() => {
        reject(new Error(`waited ${withinMs} ms in vain until ${what}; ${describe()}`));
      }, withinMs);
      ends.push(() => {
        clearInterval(ticking);
        clearTimeout(patience);
      });
      look();
    });
  } finally {
    for (const end of ends) end();
  }
  return performance.now() - begun;
}
