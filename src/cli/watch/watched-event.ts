import type { AppliedEvent, ContinuityMessage, ReportEvent } from '../../index.ts';
import type { Selection } from '../../protocol/selection.ts';

/** One thing that happened, as plain data; also what `--json` prints. Times in ms. */
export interface WatchedEvent {
  /** Since the epoch. */
  readonly atMs: number;
  readonly type: string;
  /** Whom it is about, where there is somebody. */
  readonly node?: string;
  /** What a person reads. */
  readonly text: string;
  readonly propagationMs?: number;
  /** A person should look at it. */
  readonly serious?: true;
}

/** How many ids an event shows; the rest is counted. */
const SHOWN = 8;

export function ofApplied({ selection, cause }: AppliedEvent): WatchedEvent {
  const atMs = Date.now();
  return {
    atMs,
    type: cause.by === 'foreign' ? 'foreign' : cause.by === 'repair' ? 'repair' : 'invalidation',
    text: describe(selection),
    ...(cause.origin === undefined ? {} : { node: cause.origin }),
    ...(cause.wallMs === undefined ? {} : { propagationMs: atMs - cause.wallMs }),
  };
}

export function ofReport({ report }: ReportEvent): WatchedEvent {
  const atMs = Date.now();
  const { type, ...details } = report;
  const node = 'origin' in report ? { node: report.origin } : {};
  const text = Object.entries(details)
    .filter(([name]) => name !== 'origin')
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
  return { atMs, type, text, ...node, ...(SERIOUS.has(type) ? { serious: true } : {}) };
}

export function ofContinuity({ event }: ContinuityMessage): WatchedEvent {
  const text =
    'cause' in event ? `${event.cause.code}: ${event.cause.message}` : `loss ${event.loss}`;
  return { atMs: Date.now(), type: `bus-${event.type}`, text, serious: true };
}

/** Control characters in an id must not reach a terminal: they could do anything there. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\ufffd');
}

/** Control characters, and those that turn the direction of writing around. */
const UNPRINTABLE = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;

const SERIOUS = new Set([
  'gap-opened',
  'frame-refused',
  'foreign-refused',
  'identity-duplicated',
  'guard-slow',
  'bound-relaxed',
  'config-mismatch',
  'newer-version',
  'shards-differ',
]);

function describe(selection: Selection): string {
  if (selection.all === true) return 'everything';
  const shown: string[] = [];
  let count = 0;
  const show = (id: string): void => {
    count += 1;
    if (shown.length < SHOWN) shown.push(id);
  };
  for (const region of selection.regions ?? []) show(`${region}/*`);
  for (const [lists, mark, end] of [
    [selection.keys, '/', ''],
    [selection.tags, '#', ''],
    [selection.prefixes, '/', '*'],
  ] as const) {
    for (const [region, names] of Object.entries(lists ?? {})) {
      for (const name of names) show(`${region === '*' ? '' : region + mark}${name}${end}`);
    }
  }
  const rest = count > shown.length ? ` and ${count - shown.length} more` : '';
  return `${shown.join(' ')}${rest}`;
}
