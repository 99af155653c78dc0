/** What one node of a cluster is configured with, resolved: every value is present. Times in ms. */
export interface Settings {
  readonly cluster: string;
  readonly label: string;
  /** X: no read returns a value that was invalidated longer ago than this. */
  readonly maxStalenessMs: number;
  /** D: a member that has not been heard for so long is forgotten. */
  readonly forgetAfterMs: number;
  readonly maxFrameBytes: number;
  /** Frames that may be unconfirmed, where it is not `LIMITS.window`. */
  readonly framesInFlight?: number;
  /** A restarted node supersedes its former incarnation at once; labels must be unique (ID-3). */
  readonly uniqueLabel: boolean;
  /** How many nodes the cluster starts with (MEM-2 b). */
  readonly expectedNodes: number | undefined;
  /** How long a guarded write may take before an alarm is raised (PUB-7). */
  readonly guardMaxMs: number;
  readonly onGuardTimeout: 'hold' | 'release';
  /** Keep the bound although the control traffic then grows with the cluster. */
  readonly strict: boolean;
  readonly foreign:
    'accept' | 'ignore' | { readonly allow: (sender: string | undefined) => boolean };
  /** Features announced to the others. */
  readonly features: readonly string[];
  /** Among how many channels the regions are divided, where that is not 1; this is the node on one of them (VER-3). */
  readonly shards?: number;
  /** Batches kept for repair, where it is not `LIMITS.ringBatches`. */
  readonly repairBatches?: number;
  readonly protections: Protections;
}

/** Each protection can be switched off by a test, which must then fail. */
export interface Protections {
  readonly echoProof: boolean;
  readonly settledRule: boolean;
  readonly reserveBeforeWrite: boolean;
  readonly readyRule: boolean;
  readonly fenceOnForget: boolean;
  readonly suppression: boolean;
  readonly dedup: boolean;
  readonly tailBeats: boolean;
  readonly adoptOnce: boolean;
  /** The read rule: a value that is neither young nor proven is not served (READ-1). */
  readonly readRule: boolean;
  /** A load that began before an invalidation does not store its result (LOAD-1). */
  readonly tickets: boolean;
  /** The writer's own cache does not serve what a guarded write is changing (PUB-7). */
  readonly quarantine: boolean;
  /** Who hears another one under its own origin takes a new one (ID-2). */
  readonly renewOrigin: boolean;
}

export const ALL_PROTECTIONS: Protections = {
  echoProof: true,
  settledRule: true,
  reserveBeforeWrite: true,
  readyRule: true,
  fenceOnForget: true,
  suppression: true,
  dedup: true,
  tailBeats: true,
  adoptOnce: true,
  readRule: true,
  tickets: true,
  quarantine: true,
  renewOrigin: true,
};

/** The relative error of a node's clock rate that the bound allows for (PROTOCOL A2). */
export const CLOCK_RATE_ERROR = 1e-3;

/** The fixed times of the protocol, in ms. */
export const TIMES: Readonly<
  Record<
    | 'reorderWait'
    | 'nackBackoff'
    | 'nackRepeat'
    | 'nackRepeatCap'
    | 'repairHold'
    | 'ackDelay'
    | 'firstTail'
    | 'secondTail'
    | 'joinSpread'
    | 'linger'
    | 'adoptWithin'
    | 'foreignAge'
    | 'perNode',
    number
  >
> = {
  reorderWait: 50,
  nackBackoff: 250,
  nackRepeat: 500,
  nackRepeatCap: 4_000,
  repairHold: 200,
  ackDelay: 20,
  firstTail: 200,
  secondTail: 1_000,
  joinSpread: 50,
  linger: 1_000,
  adoptWithin: 1_000,
  foreignAge: 60_000,
  /** The whole cluster sends at most ten control messages a second: each node waits so long per node. */
  perNode: 100,
};

/** How often a NACK is repeated before the gap is fenced (NACK-4). */
export const NACK_TRIES = 6;
