import { BusError } from '../../index.ts';
import { EXIT } from '../exit-code.ts';
import { UserError } from '../user-error.ts';
import type { Order, Role, Telling } from './worker-protocol.ts';

/** What runs in this process: the origin, or servers. */
export interface Work {
  readonly bases: readonly string[];
  measure(): void;
  /** Says everything that was not said yet, and how often the origin was read. */
  tell(): number;
  /** Lets go of everything, in good order. */
  stop(): Promise<void>;
}

/** How long stopping in good order may take, in ms; then the process ends without it. */
const STOP_MS = 1_500;

function say(telling: Telling): void {
  if (process.connected) process.send?.(telling);
}

let work: Work | undefined;

async function obey(order: Order): Promise<void> {
  switch (order.type) {
    case 'origin':
    case 'servers':
      work = await begin(order);
      say({ type: 'listening', bases: work.bases });
      return;
    case 'measure':
      work?.measure();
      return;
    case 'tell':
      say({ type: 'told', originReads: work?.tell() ?? 0 });
  }
}

async function begin(role: Role): Promise<Work> {
  if (role.type === 'origin') {
    const { startOrigin } = await import('./origin-work.ts');
    return await startOrigin(role, say);
  }
  const { startServers } = await import('./server-work.ts');
  return await startServers(role, say);
}

function fail(error: unknown): void {
  const known = error instanceof UserError || error instanceof BusError;
  const text = error instanceof Error ? (known ? error.message : error.stack) : String(error);
  const message = error instanceof BusError ? `${error.message} (${error.code})` : (text ?? '');
  const exitCode = error instanceof UserError ? error.exitCode : EXIT.failure;
  say({ type: 'failed', message, exitCode });
}

process.on('message', (order: Order) => {
  obey(order).catch(fail);
});

// Ctrl-C on a terminal reaches every process of the demo; the one that started them all decides what follows.
process.on('SIGINT', () => undefined);

// The channel closes when the parent lets go of it, and also when the parent is killed: no process stays behind.
process.once('disconnect', end);
// It may have closed before anybody listened.
if (!process.connected) end();

function end(): void {
  setTimeout(() => process.exit(), STOP_MS);
  const stopped = work?.stop() ?? Promise.resolve();
  stopped.catch(() => undefined).finally(() => process.exit());
}
