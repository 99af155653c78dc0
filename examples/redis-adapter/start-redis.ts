import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export interface RedisServer {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

const READY_WITHIN_MS = 10_000;

/**
 * Starts a Redis that keeps nothing on disk, on a free port of 127.0.0.1.
 * @throws {Error} if `redis-server` is not installed, or does not get ready
 */
export async function startRedis(options: { readonly password: string }): Promise<RedisServer> {
  const port = await freePort();
  const settings = { port, bind: '127.0.0.1', save: '', appendonly: 'no' };
  const args = Object.entries({ ...settings, requirepass: options.password }).flatMap(
    ([name, value]) => [`--${name}`, String(value)],
  );
  const server = spawn('redis-server', args, { stdio: 'ignore' });
  const exited = once(server, 'exit');
  const failed = once(server, 'error').then(([error]) => {
    throw new Error('redis-server cannot be started; on Debian: apt-get install redis-server', {
      cause: error,
    });
  });
  // A process that ends early takes its server with it.
  const onExit = (): void => {
    server.kill('SIGKILL');
  };
  process.once('exit', onExit);
  await Promise.race([failed, listening(port)]);
  server.unref();
  return {
    host: '127.0.0.1',
    port,
    pid: server.pid ?? Number.NaN,
    stop: async () => {
      process.off('exit', onExit);
      server.kill('SIGKILL');
      await exited;
    },
  };
}

async function listening(port: number): Promise<void> {
  const deadlineMs = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadlineMs) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`redis-server does not listen after ${READY_WITHIN_MS} ms`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no TCP port is to be had');
  return address.port;
}
