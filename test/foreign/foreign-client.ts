import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from '../../brokers/ensure-installed.ts';
import { runCommand } from '../../brokers/run-command.ts';

const TIMEOUT_MS = 30_000;

/** What each client needs, and a file by which it is seen that it is there. */
const CLIENTS = {
  slixmpp: { package: 'python3-slixmpp', file: '/usr/lib/python3/dist-packages/slixmpp' },
  stomp: { package: 'python3-stomp', file: '/usr/lib/python3/dist-packages/stomp' },
  pika: { package: 'python3-pika', file: '/usr/lib/python3/dist-packages/pika' },
  'go-sendxmpp': { package: 'go-sendxmpp', file: '/usr/bin/go-sendxmpp' },
  jms: { package: 'libactivemq-java', file: '/usr/share/java/activemq-client.jar' },
  jdk: { package: 'default-jdk-headless', file: '/usr/bin/javac' },
} as const;

/** Makes sure that clients which nobody here has written are on this machine. Without them, a test has failed. */
export async function ensureClients(...names: readonly (keyof typeof CLIENTS)[]): Promise<void> {
  const missing = names.filter((name) => !existsSync(CLIENTS[name].file));
  if (missing.length > 0) await installPackages(missing.map((name) => CLIENTS[name].package));
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Runs a Python script of this folder to its end. */
export async function runPython(name: string, args: readonly string[]): Promise<string> {
  return await runCommand('/usr/bin/python3', [script(name), ...args], { timeoutMs: TIMEOUT_MS });
}

export function spawnPython(name: string, args: readonly string[]): Listening {
  return new Listening('/usr/bin/python3', [script(name), ...args]);
}

const JARS = [
  'activemq-client',
  'geronimo-jms_1.1_spec',
  'geronimo-j2ee-management-1.1-spec',
  'hawtbuf',
  'slf4j-api',
  'slf4j-nop',
].map((name) => `/usr/share/java/${name}.jar`);

/** JmsProgram.java, compiled against Debian's ActiveMQ client. */
export class JmsProgram {
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'unstale-jms-'));

  async compile(): Promise<void> {
    const args = ['-d', this.#folder, '-cp', JARS.join(':'), script('JmsProgram.java')];
    await runCommand('javac', args, { timeoutMs: TIMEOUT_MS });
  }

  async run(args: readonly string[]): Promise<void> {
    await runCommand('java', this.#java(args), { timeoutMs: TIMEOUT_MS });
  }

  spawn(args: readonly string[]): Listening {
    return new Listening('java', this.#java(args));
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  #java(args: readonly string[]): readonly string[] {
    return [
      '-XX:TieredStopAtLevel=1',
      '-cp',
      [this.#folder, ...JARS].join(':'),
      'JmsProgram',
      ...args,
    ];
  }
}

/** A client that says "listening" once it hears everything, and prints what it hears. */
export class Listening {
  readonly #child: ChildProcess;
  #said = '';

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    }
  }

  async untilListening(): Promise<void> {
    const closed = once(this.#child, 'close').then(() => true);
    while (!this.#said.includes('listening')) {
      const heard = once(this.#child.stdout ?? process, 'data').then(() => false);
      if (await Promise.race([closed, heard])) throw new Error(`it ended:\n${this.#said}`);
    }
  }

  /** What it had printed when it ended. */
  async heard(): Promise<string> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      await once(this.#child, 'close');
    }
    return this.#said;
  }
}
