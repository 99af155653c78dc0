/** The one clock of a history: CLOCK_MONOTONIC, which all processes of a machine share, in ms. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** A read by a node: the version that it returned, and when it began. */
export interface Read {
  readonly key: string;
  readonly version: number;
  readonly atMs: number;
  /** After the faults had ended and the cluster had had time to heal. */
  readonly final?: true;
}

/** The moment at which a key got its next version: the commit. */
export interface Commit {
  readonly key: string;
  readonly version: number;
  readonly atMs: number;
}

/** What a node has seen of its own troubles. */
export interface NodeTally {
  /** The status of a node that was not ready at the end. */
  readonly unready: readonly string[];
  readonly reports: Readonly<Record<string, number>>;
  readonly continuity: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
}
