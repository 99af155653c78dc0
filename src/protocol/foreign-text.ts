import { LIMITS } from './limits.ts';
import { EVERY_REGION, type Selection } from './selection.ts';

export type ForeignReading =
  | { readonly type: 'ids'; readonly selection: Selection; readonly ids: number }
  | { readonly type: 'refused'; readonly reason: 'line-too-long' | 'too-many-lines' | 'empty' };

/**
 * Reads a message that carries no frame: one resource id a line (FOR-2). `article:42` names that key in
 * every region; `articles/42` also the key `42` of the region `articles`; `articles/*` the region; `*` everything.
 * Refused whole, never half applied.
 */
export function readForeignText(text: string): ForeignReading {
  const lines = splitLines(text);
  if (lines === undefined) return { type: 'refused', reason: 'too-many-lines' };
  const ids = lines.map((line) => line.trim()).filter((line) => line.length > 0);
  if (ids.length === 0) return { type: 'refused', reason: 'empty' };
  if (ids.some((id) => id.length > LIMITS.foreignLine)) {
    return { type: 'refused', reason: 'line-too-long' };
  }
  return { type: 'ids', selection: selectionOf(ids), ids: ids.length };
}

function splitLines(text: string): string[] | undefined {
  // `split` with a limit allocates no more than that, whatever the text.
  const lines = text.split(/\r\n|\r|\n/, LIMITS.foreignLines + 1);
  return lines.length > LIMITS.foreignLines ? undefined : lines;
}

function selectionOf(ids: readonly string[]): Selection {
  if (ids.includes('*')) return { all: true };
  const keys = new Map<string, string[]>();
  const regions: string[] = [];
  const add = (region: string, key: string): void => {
    const list = keys.get(region);
    if (list === undefined) keys.set(region, [key]);
    else list.push(key);
  };
  for (const id of ids) {
    const slash = id.indexOf('/');
    const region = id.slice(0, slash);
    const nameable = slash > 0 && slash <= LIMITS.regionLength && slash < id.length - 1;
    if (nameable && id.endsWith('/*') && slash === id.length - 2) {
      regions.push(region);
      continue;
    }
    add(EVERY_REGION, id);
    if (nameable) add(region, id.slice(slash + 1));
  }
  return {
    ...(keys.size === 0 ? {} : { keys: Object.fromEntries(keys) }),
    ...(regions.length === 0 ? {} : { regions }),
  };
}
