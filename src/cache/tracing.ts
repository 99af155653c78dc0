import { tracingChannel } from 'node:diagnostics_channel';
import type { Selection } from '../protocol/selection.ts';

/**
 * What a traced call tells its subscribers: the message of the tracing channels `unstale:load`,
 * `unstale:invalidate` and `unstale:write` (`tracingChannel` of `node:diagnostics_channel`).
 */
export interface TracedCall {
  /** Of a load. */
  readonly region?: string;
  /** Of a load. */
  readonly keys?: readonly string[];
  /** What is invalidated, or what a guarded write is known to change. */
  readonly selection?: Selection;
  /** Set by a subscriber of `start`: the call then runs within it, and with it whatever that makes current. */
  within?: <Result>(work: () => Result) => Result;
  /** Set by a subscriber of `start`: the W3C `traceparent` that travels to the other nodes. */
  traceparent?: string;
  /** What came of it. */
  readonly result?: unknown;
  readonly error?: unknown;
}

/** Runs `work` under a tracing channel, which costs nothing while nobody subscribes. */
export function traced<Result>(
  name: 'unstale:load' | 'unstale:invalidate' | 'unstale:write',
  call: TracedCall,
  work: () => Promise<Result>,
): Promise<Result> {
  const channel = channels[name];
  return channel.start.hasSubscribers || channel.asyncEnd.hasSubscribers
    ? channel.tracePromise(() => (call.within === undefined ? work() : call.within(work)), call)
    : work();
}

const channels = {
  'unstale:load': tracingChannel('unstale:load'),
  'unstale:invalidate': tracingChannel('unstale:invalidate'),
  'unstale:write': tracingChannel('unstale:write'),
} as const;
