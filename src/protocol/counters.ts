/** What a node has counted since it joined. Numbers only ever grow. */
export interface Counters {
  framesHeard: number;
  framesRefused: Record<string, number>;
  foreignApplied: number;
  foreignRefused: number;
  duplicates: number;
  /** Numbers that were found missing, that came by repair, and that were given up and fenced. */
  lost: number;
  repaired: number;
  fenced: number;
  published: number;
  beatsSent: number;
  nacksSent: number;
  nacksSuppressed: number;
  repairsSent: number;
  adopted: number;
}

export function newCounters(): Counters {
  return {
    framesHeard: 0,
    framesRefused: {},
    foreignApplied: 0,
    foreignRefused: 0,
    duplicates: 0,
    lost: 0,
    repaired: 0,
    fenced: 0,
    published: 0,
    beatsSent: 0,
    nacksSent: 0,
    nacksSuppressed: 0,
    repairsSent: 0,
    adopted: 0,
  };
}
