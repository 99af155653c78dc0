/**
 * Aborted with `signal`, or after `delayMs`. Not `AbortSignal.any` of it and `AbortSignal.timeout`: on Node 20 nobody
 * holds on to the timeout, and once it is collected as garbage it never comes (nodejs/node#57736).
 */
export function deadline(signal: AbortSignal, delayMs: number): AbortSignal {
  const abort = new AbortController();
  const end = (reason: unknown): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', follow);
    abort.abort(reason);
  };
  const follow = (): void => {
    end(signal.reason);
  };
  const timer = setTimeout(() => {
    end(new DOMException(`it took longer than ${delayMs} ms`, 'TimeoutError'));
  }, delayMs);
  timer.unref();
  if (signal.aborted) follow();
  else signal.addEventListener('abort', follow);
  return abort.signal;
}
