import { channel } from 'node:diagnostics_channel';
import type { Cause } from '../protocol/effect.ts';
import type { Report } from '../protocol/report.ts';
import type { Selection } from '../protocol/selection.ts';

/** What a node tells on `node:diagnostics_channel`. The channels and their messages are listed in docs/operations.md. */
export interface NodeEvent {
  readonly cluster: string;
  readonly node: string;
}

const report = channel('unstale:report');
const applied = channel('unstale:applied');
const continuity = channel('unstale:continuity');

export function tellReport(event: NodeEvent & { readonly report: Report }): void {
  if (report.hasSubscribers) report.publish(event);
}

export function tellApplied(
  event: NodeEvent & { readonly selection: Selection; readonly cause: Cause },
): void {
  if (applied.hasSubscribers) applied.publish(event);
}

export function tellContinuity(event: NodeEvent & { readonly event: unknown }): void {
  if (continuity.hasSubscribers) continuity.publish(event);
}
