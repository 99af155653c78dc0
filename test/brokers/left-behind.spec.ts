import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('abandon-main.ts', import.meta.url));
const MOST_MS = 10_000;

describe('a process that started a broker', function () {
  this.timeout(30_000);

  for (const [how, what] of [
    ['SIGKILL', 'is killed'],
    ['SIGINT', 'is told to end by Ctrl-C'],
    ['SIGTERM', 'is told to end'],
    ['exit', 'exits without stopping it'],
    ['throw', 'throws what nobody catches'],
    ['frozen', 'is killed after it froze the broker'],
  ] as const) {
    it(`leaves neither the broker nor its folder behind when it ${what}`, async () => {
      const { folder, port } = await abandon(how);
      const deadline = performance.now() + MOST_MS;
      while ((existsSync(folder) || (await listens(port))) && performance.now() < deadline) {
        await delay(50);
      }
      expect(existsSync(folder), 'the folder').to.equal(false);
      expect(await listens(port), 'the port').to.equal(false);
    });
  }
});

async function abandon(how: string): Promise<{ readonly folder: string; readonly port: number }> {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, how], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const said: unknown = JSON.parse(await text(child.stdout));
  if (typeof said !== 'object' || said === null || !('folder' in said) || !('port' in said)) {
    throw new Error('the process did not say where its broker is');
  }
  return { folder: String(said.folder), port: Number(said.port) };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const answer = (is: boolean) => () => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', answer(true)).once('error', answer(false));
  });
}
