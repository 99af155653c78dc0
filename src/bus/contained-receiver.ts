import type { BusReceiver } from './invalidation-bus.ts';

/**
 * A receiver whose exceptions end here: they are reported, and the bus goes on.
 * @throws {TypeError} if a method is missing: it would otherwise be noticed only when its first event comes
 */
export function containedReceiver(
  receiver: BusReceiver,
  report: (error: unknown) => void,
): BusReceiver {
  for (const method of ['onFrame', 'onForeign', 'onContinuity'] as const) {
    if (typeof receiver?.[method] !== 'function') {
      throw new TypeError(`a receiver needs the method ${method}`);
    }
  }
  const contain = (call: () => void): void => {
    try {
      call();
    } catch (error) {
      reportSafely(report, error);
    }
  };
  return {
    onFrame(frame) {
      contain(() => {
        receiver.onFrame(frame);
      });
    },
    onForeign(message) {
      contain(() => {
        receiver.onForeign(message);
      });
    },
    onContinuity(event) {
      contain(() => {
        receiver.onContinuity(event);
      });
    },
  };
}

/** A reporter that throws has nobody left to tell, and must not take the bus with it. */
function reportSafely(report: (error: unknown) => void, error: unknown): void {
  try {
    report(error);
  } catch {
    // Nothing to be done.
  }
}
