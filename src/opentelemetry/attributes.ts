/** The attributes of metrics and spans. `error.type` is of the semantic conventions; what they do not have yet is below `unstale`. */
export const ATTRIBUTES = {
  cluster: 'unstale.cluster',
  region: 'unstale.region',
  /** `hit` or `miss`. */
  result: 'unstale.cache.result',
  /** What else a cache does, as the channel `unstale:cache` names it. */
  event: 'unstale.cache.event',
  /** How far an invalidation came: `by` of its result. */
  by: 'unstale.invalidation.by',
  /** Why something was dropped: `by` of the cause. */
  cause: 'unstale.invalidation.cause',
  acked: 'unstale.invalidation.acked',
  missing: 'unstale.invalidation.missing',
  keys: 'unstale.keys',
  keyCount: 'unstale.keys.count',
  error: 'error.type',
} as const;

/** `error.type`: the code of an error that has one, otherwise its name. */
export function errorType(error: unknown): string {
  if (!(error instanceof Error)) return '_OTHER';
  const code = 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : error.name;
}
