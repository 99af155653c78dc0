import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ContinuityEvent } from '../bus/invalidation-bus.ts';
import type { Cause } from '../protocol/effect.ts';
import type { Report } from '../protocol/report.ts';
import type { Selection } from '../protocol/selection.ts';

/** Which node tells: the cluster's name and the node's origin. */
export interface NodeEvent {
  readonly cluster: string;
  readonly node: string;
}

/** On the channel `unstale:report`: what a person may want to know of the protocol. */
export interface ReportEvent extends NodeEvent {
  readonly report: Report;
}

/** On the channel `unstale:applied`: an invalidation was applied here, whoever published it. */
export interface AppliedEvent extends NodeEvent {
  readonly selection: Selection;
  readonly cause: Cause;
}

/** On the channel `unstale:continuity`: what the bus said of its own attachment. */
export interface ContinuityMessage extends NodeEvent {
  readonly event: ContinuityEvent;
}

/** The channels of `node:diagnostics_channel` and their messages. The table of docs/operations.md is compared with this one. */
export interface Telemetry {
  'unstale:report': ReportEvent;
  'unstale:applied': AppliedEvent;
  'unstale:continuity': ContinuityMessage;
}

const channels = {
  'unstale:report': channel('unstale:report'),
  'unstale:applied': channel('unstale:applied'),
  'unstale:continuity': channel('unstale:continuity'),
};

export function tell<Name extends keyof Telemetry>(name: Name, event: Telemetry[Name]): void {
  const { [name]: one } = channels;
  if (one.hasSubscribers) one.publish(event);
}

/** Hears what the nodes of this process tell on one channel; returns what ends it. */
export function onTelemetry<Name extends keyof Telemetry>(
  name: Name,
  listener: (event: Telemetry[Name]) => void,
): () => void {
  const onMessage = (message: unknown): void => {
    // Only `tell` publishes on our channels.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    listener(message as Telemetry[Name]);
  };
  subscribe(name, onMessage);
  return () => {
    unsubscribe(name, onMessage);
  };
}
