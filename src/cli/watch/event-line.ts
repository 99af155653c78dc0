import type { Terminal } from '../terminal.ts';
import { printable, type WatchedEvent } from './watched-event.ts';

/** One event as one line of text. */
export function eventLine(event: WatchedEvent, style: Terminal['styled']): string {
  const time = new Date(event.atMs).toISOString().slice(11, 23);
  const node = event.node === undefined ? '' : ` ${printable(labelOf(event.node))}`;
  const propagation =
    event.propagationMs === undefined
      ? ''
      : ` ${style('dim', `${Math.round(event.propagationMs)} ms`)}`;
  const type = event.serious === true ? style('yellow', event.type) : style('cyan', event.type);
  const text = event.text === '' ? '' : ` ${printable(event.text)}`;
  return `${style('dim', time)} ${type}${node}${propagation}${text}`;
}

/** People know a node by its label; what follows the slash only tells its runs apart. */
export function labelOf(origin: string): string {
  const slash = origin.lastIndexOf('/');
  return slash > 0 ? `${origin.slice(0, slash)}/${origin.slice(slash + 1, slash + 5)}` : origin;
}
