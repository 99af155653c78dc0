import { onTelemetry, type Cluster } from '../../index.ts';
import { busesFor, configurationOf, joinFor } from '../cluster-flags.ts';
import type { Surroundings } from '../program.ts';
import type { WatchFlags } from '../watch.ts';
import { EventPrinter } from './event-printer.ts';
import { fullScreen } from './full-screen.ts';
import { passes, WatchList } from './watch-list.ts';
import { ofApplied, ofContinuity, ofReport, type WatchedEvent } from './watched-event.ts';

/** Takes part as a node, and shows what it hears until it is told to stop. */
export async function runWatch(flags: WatchFlags, surroundings: Surroundings): Promise<void> {
  const { out, signal } = surroundings;
  const { configuration } = await configurationOf(flags, { label: `watch-${process.pid}` });
  const buses = await busesFor(configuration, configuration.label);
  const onScreen = out.isTerminal && process.stdin.isTTY && flags.json !== true;
  const list = new WatchList();
  list.filter = flags.filter ?? '';
  const printer = new EventPrinter(out, { json: flags.json === true });
  const show = (event: WatchedEvent): void => {
    if (onScreen) list.add(event);
    else if (flags.filter === undefined || passes(event, flags.filter)) printer.print(event);
  };
  const stopListening = listen(show);
  let cluster: Cluster | undefined;
  try {
    cluster = await joinFor(configuration, { ...buses, signal, lingerMs: 0 });
    if (onScreen) await fullScreen(cluster, list, surroundings);
    else await aborted(signal);
    signal.throwIfAborted();
  } finally {
    stopListening();
    await cluster?.close();
  }
}

/** Hears what the one node of this process tells, on each of its channels. */
function listen(show: (event: WatchedEvent) => void): () => void {
  const stops = [
    onTelemetry('unstale:applied', (event) => {
      show(ofApplied(event));
    }),
    onTelemetry('unstale:report', (event) => {
      show(ofReport(event));
    }),
    onTelemetry('unstale:continuity', (event) => {
      show(ofContinuity(event));
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener(
      'abort',
      () => {
        resolve();
      },
      { once: true },
    );
  });
}
