import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { ipcBus, sendIpcMessage } from '../../adapters/ipc/index.ts';
import { SeverableLines } from '../../test/adapters/ipc/severable-lines.ts';
import { describeBusEndurance, describeInvalidationBus, type BusFixture } from '../index.ts';

const lines = new SeverableLines();
after(() => lines.close());

const fixture: BusFixture = {
  createBus: ({ channel, name, tuning }) =>
    ipcBus({ channel, folder: lines.folderFor(name, channel), heartbeatMs: 400, tuning }),
  faults: lines,
  halfOpenWithinMs: 4_000,
  /** A socket asks for no password: the credential is the right to enter its folder. */
  wrongCredential({ channel, name, tuning }) {
    const folder = join(lines.folder, `.open-${name}`);
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    return ipcBus({ channel, folder, tuning });
  },
  foreign: ({ channel }, text) => sendIpcMessage({ channel, folder: lines.folder, text }),
};

describeInvalidationBus('ipc', fixture);
describeBusEndurance('ipc', fixture);
