import { join } from 'node:path';
import type { ActiveMqBroker } from '../../../brokers/index.ts';
import { runCommand } from '../../../brokers/run-command.ts';

const HOME = '/usr/share/activemq';
const TIMEOUT_MS = 30_000;

/** ActiveMQ's own command line: a Java program that uses JMS over OpenWire. */
export class JavaProgram {
  readonly #broker: ActiveMqBroker;
  readonly #topic: string;

  constructor(broker: ActiveMqBroker, topic: string) {
    this.#broker = broker;
    this.#topic = topic;
  }

  /** Sends a TextMessage. */
  async says(text: string): Promise<void> {
    await this.#run('producer', ['--message', text, '--messageCount', '1']);
  }

  /** What it reads of the first message that comes; `prompt` is called until one does. */
  async reads(prompt: () => Promise<void>): Promise<string> {
    const read = this.#run('consumer', ['--messageCount', '1']);
    const done = read.then(() => true);
    do await prompt();
    while (!(await Promise.race([done, pause()])));
    return await read;
  }

  #run(command: 'producer' | 'consumer', args: readonly string[]): Promise<string> {
    const { folder, openwirePort, username, password } = this.#broker;
    return runCommand(
      'java',
      [
        [`-Dactivemq.home=${HOME}`, `-Dactivemq.base=${folder}`, '-XX:TieredStopAtLevel=1'],
        [`-Dlog4j.configuration=file:${join(folder, 'conf', 'log4j.properties')}`],
        ['-jar', join(HOME, 'bin', 'activemq.jar'), command],
        ['--brokerUrl', `tcp://127.0.0.1:${openwirePort}`],
        ['--user', username, '--password', password],
        ['--destination', `topic://${this.#topic}`, ...args],
      ].flat(),
      // What Java takes the arguments for depends on it.
      { timeoutMs: TIMEOUT_MS, env: { LC_ALL: 'C.UTF-8' } },
    );
  }
}

function pause(): Promise<boolean> {
  return new Promise((resolve) => {
    setTimeout(resolve, 100, false);
  });
}
