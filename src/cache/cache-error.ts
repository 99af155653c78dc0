/** What went wrong in a cache, as opposed to in a loader or on a bus. */
export type CacheErrorCode =
  /** The loader did not settle within `loadTimeoutMs`. */
  | 'LOAD_TIMEOUT'
  /** The loader rejected with something that is not an `Error`; see `cause`. */
  | 'LOAD_FAILED'
  /** A loader asked the cache for the key that it is loading, directly or by way of another loader. */
  | 'LOAD_RECURSIVE'
  /** The tag function threw, or returned something else than tags; see `cause`. */
  | 'TAGS_INVALID'
  /** `sizeOf` threw, or returned something else than a number from 0; see `cause`. */
  | 'SIZE_INVALID'
  /** A loader that was told to pass the second level over (`fresh`) brought from there what was invalidated since. */
  | 'LOAD_LAUNDERED'
  /** The cluster was closed: nothing protects the cache any more. */
  | 'CACHE_CLOSED';

/** The error of the cache itself. What a loader throws is passed on as it is. See docs/errors.md. */
export class CacheError extends Error {
  override readonly name = 'CacheError';
  readonly code: CacheErrorCode;

  constructor(code: CacheErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
