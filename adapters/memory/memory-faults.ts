/** One message on its way to one bus. */
export interface MemoryDelivery {
  readonly channel: string;
  /** The frame, or the text of a foreign message. */
  readonly text: string;
  readonly foreign: boolean;
  /** The name of the bus, or the sender of the foreign message. */
  readonly from: string;
  readonly to: string;
}

/** How often a fault strikes: a probability from 0 to 1, or a choice per delivery. */
export type Odds = number | ((delivery: MemoryDelivery) => boolean);

/** What happens to messages on their way. Each is drawn anew for every delivery. */
export interface MemoryFaults {
  /** Loses the message. Silently: this is what no bus may do, and what the protocol must survive. */
  readonly drop?: Odds;
  /** Says `gap` for each message that `drop` loses, as an honest broker would. Default `false`. */
  readonly reportDrops?: boolean;
  /** Delivers the message twice. */
  readonly duplicate?: Odds;
  /** Lets the next message to the same bus overtake this one; after 50 ms it goes on alone. */
  readonly reorder?: Odds;
  /** Delays the message, fixed or drawn evenly, in ms. The promised order is kept. */
  readonly delayMs?: number | { readonly min: number; readonly max: number };
}

/** What was drawn for one delivery. */
export interface Fate {
  readonly copies: 0 | 1 | 2;
  readonly reportDrop: boolean;
  readonly overtaken: boolean;
  readonly delayMs: number;
}

export function drawFate(
  faults: MemoryFaults,
  delivery: MemoryDelivery,
  random: () => number,
): Fate {
  const strikes = (odds: Odds | undefined): boolean => {
    if (odds === undefined || odds === 0) return false;
    return typeof odds === 'number' ? random() < odds : odds(delivery);
  };
  const dropped = strikes(faults.drop);
  const { delayMs = 0 } = faults;
  return {
    copies: dropped ? 0 : strikes(faults.duplicate) ? 2 : 1,
    reportDrop: dropped && faults.reportDrops === true,
    overtaken: strikes(faults.reorder),
    delayMs:
      typeof delayMs === 'number' ? delayMs : delayMs.min + random() * (delayMs.max - delayMs.min),
  };
}

/** @throws {TypeError} if a probability is not from 0 to 1, or a delay is negative */
export function checkFaults(faults: MemoryFaults): void {
  for (const name of ['drop', 'duplicate', 'reorder'] as const) {
    const odds = faults[name];
    if (odds === undefined || typeof odds === 'function') continue;
    if (!(typeof odds === 'number' && odds >= 0 && odds <= 1)) {
      throw new TypeError(
        `faults.${name} must be a probability from 0 to 1, or a function, got ${String(odds)}`,
      );
    }
  }
  const { delayMs = 0 } = faults;
  const { min, max } = typeof delayMs === 'number' ? { min: delayMs, max: delayMs } : delayMs;
  if (!(min >= 0 && max >= min && max < 2 ** 31)) {
    throw new TypeError('faults.delayMs must be 0 or more, and its max at least its min');
  }
}
