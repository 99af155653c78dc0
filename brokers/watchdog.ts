import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/**
 * Outlives this process by a moment, to leave nothing behind. It is a shell in a session of its own that reads
 * the process group of the broker from a pipe; when the pipe closes (a clean end, Ctrl-C, a crash, SIGKILL) it
 * kills the group and removes the folder.
 */
const SCRIPT = `
group=
while IFS= read -r line; do group=$line; done
[ -n "$group" ] && kill -KILL "-$group" 2>/dev/null
tries=0
until rm -rf -- "$1" 2>/dev/null && [ ! -e "$1" ] || [ "$tries" -ge 50 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
`;

export class Watchdog {
  readonly #shell: ChildProcess;

  constructor(folder: string) {
    this.#shell = spawn('sh', ['-c', SCRIPT, 'sh', folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
      detached: true,
    });
    this.#shell.unref();
    // A broken pipe means that somebody ended the shell; then there is nobody to tell.
    this.#shell.stdin?.on('error', () => undefined);
  }

  /** From here on this process group dies with us; `undefined` when it has ended. */
  guard(processGroup: number | undefined): void {
    this.#shell.stdin?.write(`${processGroup ?? ''}\n`);
  }

  /** Has the group killed and the folder removed now. */
  async release(): Promise<void> {
    if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return;
    const gone = once(this.#shell, 'exit');
    this.#shell.ref();
    this.#shell.stdin?.end();
    await gone;
  }
}
