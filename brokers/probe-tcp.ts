import { connect } from 'node:net';

const PROBE_TIMEOUT_MS = 5_000;
const MAX_ANSWER_CHARACTERS = 100_000;

export interface ProbeOptions {
  readonly host: string;
  readonly port: number;
  /** What to say first. */
  readonly hello: string;
  /** Resolves once the answer matches. */
  readonly expect: RegExp;
}

/** Asks a server something and waits for the right answer. */
export function probeTcp({ host, port, hello, expect }: ProbeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let answer = '';
    const refuse = (why: string, cause?: Error): void => {
      socket.destroy();
      reject(new Error(`port ${port} ${why}`, { cause }));
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => {
      refuse(`did not answer within ${PROBE_TIMEOUT_MS} ms`);
    });
    socket.once('error', (error) => {
      refuse('refuses', error);
    });
    socket.once('close', () => {
      refuse(`hung up after ${JSON.stringify(answer.slice(0, 500))}`);
    });
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer = (answer + text).slice(0, MAX_ANSWER_CHARACTERS);
      if (!expect.test(answer)) return;
      resolve();
      socket.destroy();
    });
    socket.write(hello);
  });
}
