import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** One of the two streams that a person may be looking at. */
export interface Terminal {
  /** A person is looking: lines may be redrawn. */
  readonly isTerminal: boolean;
  /** How wide a line may be now; `Infinity` where nobody looks. */
  readonly columns: number;
  write(text: string): void;
  /** `text` in that style where the stream shows colours (a terminal, and no NO_COLOR), otherwise as it is. */
  styled(style: Style, text: string): string;
}

export function terminal(stream: NodeJS.WriteStream): Terminal {
  const isTerminal = stream.isTTY;
  const hasColours = isTerminal && stream.hasColors();
  return {
    isTerminal,
    get columns() {
      return isTerminal ? stream.columns : Number.POSITIVE_INFINITY;
    },
    write(text) {
      if (!stream.destroyed) stream.write(text);
    },
    styled: (style, text) => (hasColours ? styleText(style, text) : text),
  };
}

/** When the reader of a pipe leaves (`| head`), there is nobody left to write for: not an error. */
export function toleratesClosedPipes(stream: NodeJS.WriteStream, onClosed: () => void): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    onClosed();
  });
}
