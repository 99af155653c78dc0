import { emitKeypressEvents } from 'node:readline';
import type { Cluster } from '../../index.ts';
import type { Terminal } from '../terminal.ts';
import { draw } from './draw.ts';
import type { WatchList } from './watch-list.ts';

const FRAME_MS = 100;
const ALTERNATE_SCREEN = '\u001b[?1049h\u001b[?25l';
const USUAL_SCREEN = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE_END = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

interface Key {
  readonly name?: string;
  readonly sequence?: string;
  readonly ctrl?: boolean;
}

/** Draws the cluster on the whole terminal until the person quits or `signal` is aborted. */
export async function fullScreen(
  cluster: Cluster,
  list: WatchList,
  { out, signal }: { readonly out: Terminal; readonly signal: AbortSignal },
): Promise<void> {
  let typing: string | undefined;
  const quit = new AbortController();
  const paint = (): void => {
    const { columns, rows } = process.stdout;
    const picture = { status: cluster.status(), list, columns, rows, typing };
    const lines = draw(picture, (style, text) => out.styled(style, text));
    // One write for a frame, and nothing is cleared before it is drawn over: no flicker.
    out.write(`${HOME}${lines.join(`${CLEAR_LINE_END}\r\n`)}${CLEAR_LINE_END}${CLEAR_BELOW}`);
  };
  const onKey = (_text: string | undefined, key: Key): void => {
    // In raw mode Ctrl-C is a key like any other.
    if (key.ctrl === true && key.name === 'c') process.kill(process.pid, 'SIGINT');
    else if (typing !== undefined) typing = typed(typing, key, list);
    else if (key.name === 'q') quit.abort();
    else if (key.name === 'p') list.pause();
    else if (key.name === 'c') list.clear();
    else if (key.name === 'f') typing = list.filter;
    paint();
  };
  const timer = setInterval(() => {
    list.tick();
    paint();
  }, FRAME_MS);
  out.write(ALTERNATE_SCREEN);
  emitKeypressEvents(process.stdin);
  process.stdin.setRawMode(true);
  process.stdin.on('keypress', onKey);
  process.stdin.resume();
  process.stdout.on('resize', paint);
  try {
    paint();
    await new Promise<void>((resolve) => {
      quit.signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
      if (signal.aborted) resolve();
    });
  } finally {
    clearInterval(timer);
    process.stdout.off('resize', paint);
    process.stdin.off('keypress', onKey);
    process.stdin.setRawMode(false);
    process.stdin.pause();
    out.write(USUAL_SCREEN);
  }
}

/** The most that a filter takes. */
const FILTER_CHARS = 80;

/** What stands in the filter after a key; `undefined` once it is done. */
function typed(text: string, key: Key, list: WatchList): string | undefined {
  let next = text;
  if (key.name === 'return' || key.name === 'enter') return undefined;
  if (key.name === 'escape') {
    list.filter = '';
    return undefined;
  }
  if (key.name === 'backspace') next = text.slice(0, -1);
  else if (key.sequence?.length === 1 && key.sequence >= ' ') next = text + key.sequence;
  list.filter = next.slice(0, FILTER_CHARS);
  return list.filter;
}
