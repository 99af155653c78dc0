import { spawn } from 'node:child_process';

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** The command is killed after so many ms. Default 30,000. */
  readonly timeoutMs?: number;
  /** Told of every piece of output as it comes. */
  readonly onOutput?: (text: string) => void;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_OUTPUT_CHARACTERS = 1_000_000;

/**
 * Runs a command to its end and gives what it wrote to stdout. No shell is involved.
 * @throws {Error} with the tail of its output, if it cannot be started, fails, or takes too long
 */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let all = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const collect = (text: string): void => {
      all = (all + text).slice(-MAX_OUTPUT_CHARACTERS);
      options.onOutput?.(text);
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out = (out + text).slice(-MAX_OUTPUT_CHARACTERS);
      collect(text);
    });
    child.stderr.setEncoding('utf8').on('data', collect);
    child.once('error', (cause) => {
      clearTimeout(timer);
      reject(new Error(`${command} could not be started`, { cause }));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) {
        resolve(out);
        return;
      }
      const how =
        signal === null ? `ended with ${code}` : `was ended by ${signal} (bound: ${timeoutMs} ms)`;
      reject(new Error(`${command} ${how}:\n${all.slice(-2_000)}`));
    });
  });
}

/** Whether the command is on the PATH. */
export async function isInstalled(command: string): Promise<boolean> {
  try {
    await runCommand('sh', ['-c', 'command -v "$1"', 'sh', command], { timeoutMs: 5_000 });
    return true;
  } catch {
    return false;
  }
}
