/** The bounds of the protocol. Every one of them is a rule of docs/protocol.md, or protects memory. */
export const LIMITS: Readonly<Record<LimitName, number>> = {
  /** UTF-16 units of a key, a tag or a prefix; escaped it still fits a frame of 8 KiB. */
  keyLength: 1_024,
  /** UTF-16 units of a region's name. */
  regionLength: 128,
  /** UTF-16 units of a cluster's name, of a node's label, and of an epoch. */
  nameLength: 64,
  /** Keys, tags and prefixes in one batch (OVL-2). */
  batchKeys: 256,
  /** Unsent keys of one region before they collapse to the region (PUB-4). */
  pendingKeys: 100_000,
  /** Regions with unsent invalidations before they collapse to everything (PUB-4). */
  pendingRegions: 64,
  /** Unsent batches before they collapse to everything: what guarded writes leave is a batch each (PUB-4). */
  pendingBatches: 4_096,
  /** Ranges of numbers that may be heard out of order, for each peer (RX-3). */
  outOfOrderRanges: 64,
  /** A jump in a peer's numbers beyond which it is fenced instead of repaired (RX-6). */
  sequenceJump: 100_000,
  /** Peers known at one time. */
  peers: 1_024,
  /** Departed peers remembered (MEM-1, MEM-4). */
  tombstones: 1_024,
  /** Peers listed in one beat (BEAT-2). */
  digestEntries: 128,
  /** Departed members that one beat passes on, the newest first (MEM-4). */
  toldDepartures: 32,
  /** Own beats whose time of emission is remembered (BEAT-4). */
  rememberedBeats: 64,
  /** Regions named in a beat; a node with more names none, which means all. */
  beatRegions: 32,
  /** Features of a peer that are remembered. */
  features: 16,
  /** Ranges asked for in one NACK. */
  nackRanges: 16,
  /** Batches kept for repair. */
  ringBatches: 4_096,
  /** Bytes of the batches kept for repair. */
  ringBytes: 8 * 1_024 * 1_024,
  /** Ranges of folded batches, each with the regions that it concerned. */
  foldedRanges: 64,
  /** Regions that a folded range names; one that concerned more stands for all. */
  foldedRegions: 64,
  /** Characters of a line of a foreign message (FOR-2). */
  foreignLine: 1_024,
  /** Lines of a foreign message (FOR-2). */
  foreignLines: 1_000,
  /** Foreign messages that wait to be adopted (FOR-3). */
  adoptions: 1_000,
  /** Callers that wait: as many as a broker at the other end of the world keeps waiting at a high rate. */
  waiters: 32_768,
  /**
   * Frames that one node may have unconfirmed, where its bus does not say: times 256 keys, that is what a round trip carries
   * (80,000 keys a second at 300 ms). Below the hundred stanzas that an XMPP server may keep for a client before it ends
   * the session (MongooseIM).
   */
  window: 96,
  /** The most that a bus may say. */
  widestWindow: 256,
  /** The largest frame that is read at all, in bytes, where the bus itself allows less. */
  readFrameBytes: 65_536,
  /** The smallest `maxFrameBytes` that a cluster can work with. */
  minFrameBytes: 2_048,
};

export type LimitName =
  | 'keyLength'
  | 'regionLength'
  | 'nameLength'
  | 'batchKeys'
  | 'pendingKeys'
  | 'pendingRegions'
  | 'pendingBatches'
  | 'outOfOrderRanges'
  | 'sequenceJump'
  | 'peers'
  | 'tombstones'
  | 'digestEntries'
  | 'toldDepartures'
  | 'rememberedBeats'
  | 'beatRegions'
  | 'features'
  | 'nackRanges'
  | 'ringBatches'
  | 'ringBytes'
  | 'foldedRanges'
  | 'foldedRegions'
  | 'foreignLine'
  | 'foreignLines'
  | 'adoptions'
  | 'waiters'
  | 'window'
  | 'widestWindow'
  | 'readFrameBytes'
  | 'minFrameBytes';
