/** Something that a node told on a diagnostics channel, in words. */
export interface NodeWords {
  /** The label of the node. */
  readonly node: string;
  readonly text: string;
}

/** Ids that `node` dropped because `by` had published them. */
export interface AppliedIds {
  readonly node: string;
  readonly by: string;
  readonly ids: readonly string[];
}

/** Reads a message of `unstale:applied`; `undefined` if no other node caused it. */
export function readApplied(message: unknown): AppliedIds | undefined {
  if (!isRecord(message) || !isRecord(message['cause']) || !isRecord(message['selection'])) {
    return undefined;
  }
  const { by, origin } = message['cause'];
  if ((by !== 'peer' && by !== 'repair') || typeof origin !== 'string') return undefined;
  const { keys } = message['selection'];
  const ids = isRecord(keys) ? Object.values(keys).flat().filter(isText) : [];
  return { node: labelOf(message['node']), by: labelOf(origin), ids };
}

/** Reads a message of `unstale:continuity`. */
export function readContinuity(message: unknown): NodeWords | undefined {
  if (!isRecord(message) || !isRecord(message['event'])) return undefined;
  const { type, loss, cause } = message['event'];
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  const node = labelOf(message['node']);
  switch (type) {
    case 'interrupted':
      return { node, text: `bus interrupted${why}; trying again` };
    case 'resumed':
      return { node, text: `bus resumed, loss ${String(loss)}` };
    case 'gap':
      return { node, text: `the bus dropped something${why}` };
    case 'failed':
      return { node, text: `bus failed for good${why}` };
    default:
      return undefined;
  }
}

/** Reads a message of `unstale:report`; `undefined` if it does not tell of a message from outside the cluster. */
export function readForeign(message: unknown): NodeWords | undefined {
  if (!isRecord(message) || !isRecord(message['report'])) return undefined;
  const { type, sender, ids, reason } = message['report'];
  const who = isText(sender) ? sender : 'somebody';
  const node = labelOf(message['node']);
  switch (type) {
    case 'foreign-applied':
      return { node, text: `${who} evicted ${String(ids)} ${ids === 1 ? 'id' : 'ids'}` };
    case 'foreign-refused':
      return { node, text: `a message of ${who} was refused: ${String(reason)}` };
    default:
      return undefined;
  }
}

/** An origin is `label/epoch`. */
function labelOf(origin: unknown): string {
  return isText(origin) ? (origin.split('/')[0] ?? '') : '';
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
