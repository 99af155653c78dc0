/** What went wrong in a cache, as opposed to in a loader or on a bus. */
export type CacheErrorCode = 'LOAD_TIMEOUT' | 'LOAD_FAILED' | 'LOAD_RECURSIVE' | 'CACHE_CLOSED';

/** The error of the cache itself. What a loader throws is passed on as it is. See docs/errors.md. */
export class CacheError extends Error {
  override readonly name = 'CacheError';
  readonly code: CacheErrorCode;

  constructor(code: CacheErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
