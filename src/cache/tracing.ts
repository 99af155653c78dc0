import { tracingChannel } from 'node:diagnostics_channel';

/**
 * Runs `work` under a tracing channel (`node:diagnostics_channel`), which costs nothing while nobody
 * subscribes. The channels are listed in docs/operations.md.
 */
export function traced<Result>(
  name: 'unstale:load' | 'unstale:invalidate' | 'unstale:write',
  context: object,
  work: () => Promise<Result>,
): Promise<Result> {
  const channel = channels[name];
  return channel.start.hasSubscribers || channel.asyncEnd.hasSubscribers
    ? channel.tracePromise(work, context)
    : work();
}

const channels = {
  'unstale:load': tracingChannel('unstale:load'),
  'unstale:invalidate': tracingChannel('unstale:invalidate'),
  'unstale:write': tracingChannel('unstale:write'),
} as const;
