/** Runs in a child process: joins every channel that its parent names, and so is its hub. */
import { ipcBus } from '../../../adapters/ipc/index.ts';
import type { BusReceiver } from '../../../src/index.ts';

const deaf: BusReceiver = { onFrame() {}, onForeign() {}, onContinuity() {} };

process.on('message', ({ folder, channel }: { folder: string; channel: string }) => {
  void ipcBus({ folder, channel })
    .open(deaf)
    .then(() => process.send?.({ channel }));
});
process.on('disconnect', () => {
  process.exit();
});
