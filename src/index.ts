export { BusError, type BusErrorCode, type BusOutcome } from './bus/bus-error.ts';
export type { BusDriver, Link, LinkEvents, SendOptions } from './bus/bus-driver.ts';
export type { BusTimers, BusTuning } from './bus/bus-tuning.ts';
export { createBus } from './bus/create-bus.ts';
export type {
  BusCallOptions,
  BusCapabilities,
  BusReceiver,
  BusState,
  ContinuityEvent,
  ForeignMessage,
  Frame,
  InvalidationBus,
  PublishOptions,
} from './bus/invalidation-bus.ts';
export type { AttachedTicket, Attachment, ForeignCache } from './cache/attachment.ts';
export { CacheError, type CacheErrorCode } from './cache/cache-error.ts';
export type {
  BulkLoader,
  CacheEntry,
  CacheOptions,
  CacheSelection,
  GetEntryOptions,
  GetManyOptions,
  GetOptions,
  InvalidateOptions,
  InvalidationResult,
  LoadContext,
  Loader,
  WriteOptions,
} from './cache/cache-options.ts';
export { joinCluster, type Cluster } from './cache/cluster.ts';
export type { CacheEvent, CacheEventType, CacheStats } from './cache/cache-stats.ts';
export type { CoherentCache } from './cache/coherent-cache.ts';
export type { ClusterSelection } from './cache/names.ts';
export type { TracedCall } from './cache/tracing.ts';
export type { OnUnproven } from './cache/read-rule.ts';
export type { BusChoice, ClusterOptions, GivenBus } from './cluster/cluster-options.ts';
export {
  onTelemetry,
  type AppliedEvent,
  type ContinuityMessage,
  type NodeEvent,
  type ReportEvent,
  type Telemetry,
} from './cluster/telemetry.ts';
export type { Report } from './protocol/report.ts';
export type { Runtime } from './cluster/runtime.ts';
export type { ClusterStatus, MemberStatus } from './cluster/status.ts';
export type { Counters } from './protocol/counters.ts';
export type { Instant } from './protocol/instant.ts';
