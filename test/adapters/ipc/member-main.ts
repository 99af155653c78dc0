/** Runs in a child process: does what its parent says, and reports what its bus hears. */
import { ipcBus } from '../../../adapters/ipc/index.ts';
import type { InvalidationBus } from '../../../src/index.ts';
import { Heard } from '../../support/heard.ts';

export type MemberCommand =
  | {
      readonly type: 'open';
      readonly channel: string;
      readonly folder: string;
      readonly heartbeatMs?: number;
    }
  | { readonly type: 'publish'; readonly frames: readonly string[] }
  | { readonly type: 'close' };

export type MemberReport =
  | { readonly type: 'heard'; readonly line: string }
  | { readonly type: 'done'; readonly id: number; readonly error?: string };

const buses: InvalidationBus[] = [];

async function obey(command: MemberCommand): Promise<void> {
  const bus = buses.at(-1);
  switch (command.type) {
    case 'open': {
      const heard = new Heard();
      heard.add = (line) => {
        report({ type: 'heard', line });
      };
      const { type: _, ...options } = command;
      const opened = ipcBus(options);
      buses.push(opened);
      await opened.open(heard.receiver);
      return;
    }
    case 'publish':
      await Promise.all(command.frames.map(async (frame) => bus?.publish(frame)));
      return;
    case 'close':
      await bus?.close();
  }
}

function report(what: MemberReport): void {
  process.send?.(what);
}

process.on('message', (message: { id: number; command: MemberCommand }) => {
  const { id, command } = message;
  obey(command).then(
    () => {
      report({ type: 'done', id });
    },
    (error: unknown) => {
      report({ type: 'done', id, error: String(error) });
    },
  );
});
process.on('disconnect', () => {
  process.exit();
});
report({ type: 'heard', line: 'ready' });
