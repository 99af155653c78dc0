import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../examples/di-shop/main.ts', import.meta.url));

/** Says on standard error, from the loader's own thread, which client libraries are asked for. */
const HOOKS = `import { writeSync } from 'node:fs';
export async function resolve(specifier, context, next) {
  if (/^(amqplib|stompit|@xmpp\\/client|ws)$/.test(specifier)) writeSync(2, 'asked for ' + specifier + '\\n');
  return next(specifier, context);
}`;
const REGISTER = `import { register } from 'node:module';
register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(HOOKS))});`;

/** The example shop, run as a process. */
export class ShopProcess {
  readonly #child: ChildProcess;
  #said = '';

  constructor(folder: string, env: Readonly<Record<string, string>>) {
    const hooks = `data:text/javascript,${encodeURIComponent(REGISTER)}`;
    this.#child = spawn(
      process.execPath,
      ['--import', 'tsx', '--import', hooks, MAIN, folder, '0'],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    }
  }

  /** The client libraries that its modules have imported. */
  get clientLibraries(): readonly string[] {
    return [
      ...new Set(Array.from(this.#said.matchAll(/asked for (\S+)/g), ([, name = '']) => name)),
    ];
  }

  async url(): Promise<string> {
    const closed = once(this.#child, 'close').then(() => true);
    for (;;) {
      const url = /listening on (\S+)/.exec(this.#said)?.[1];
      if (url !== undefined) return url;
      const heard = once(this.#child.stdout ?? process, 'data').then(() => false);
      if (await Promise.race([closed, heard])) throw new Error(`the shop ended:\n${this.#said}`);
    }
  }

  /** Asks it to leave; resolves with its exit code. */
  async terminate(): Promise<number | null> {
    if (this.#child.exitCode !== null) return this.#child.exitCode;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    await closed;
    return this.#child.exitCode;
  }
}
