import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface ProducerPlace {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly destination: string;
}

const ANSWER_TIMEOUT_MS = 10_000;

/** Somebody else's program on the topic: STOMP by hand, so that it can send what no library would. */
export class Producer {
  readonly #socket: Socket;
  readonly #destination: string;
  #answers = '';

  static async at(place: ProducerPlace): Promise<Producer> {
    const socket = connect({ host: place.host, port: place.port, noDelay: true });
    const producer = new Producer(socket, place.destination);
    await once(socket, 'connect');
    producer.write(
      frameOf('CONNECT', {
        'accept-version': '1.2',
        host: '/',
        login: place.username,
        passcode: place.password,
      }),
    );
    await producer.#answered('CONNECTED');
    return producer;
  }

  private constructor(socket: Socket, destination: string) {
    this.#socket = socket;
    this.#destination = destination;
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      this.#answers += String(text);
      socket.emit('answer');
    });
    socket.on('error', () => undefined);
  }

  /** A TextMessage. Resolves once the broker has taken it. */
  async sendText(text: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#send(headers, Buffer.from(text));
  }

  /** A BytesMessage: that is what `content-length` makes of it. */
  async sendBytes(bytes: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#send({ ...headers, 'content-length': String(bytes.length) }, bytes);
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  async leave(): Promise<void> {
    this.#socket.destroy();
    if (!this.#socket.closed) await once(this.#socket, 'close');
  }

  async #send(headers: Readonly<Record<string, string>>, body: Buffer): Promise<void> {
    const receipt = `sent-${Math.random()}`;
    const destination = this.#destination;
    this.write(frameOf('SEND', { destination, receipt, ...headers }, body));
    await this.#answered(`receipt-id:${receipt}`);
  }

  async #answered(what: string): Promise<void> {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    while (!this.#answers.includes(what)) {
      if (this.#answers.includes('ERROR')) throw new Error(this.#answers);
      await once(this.#socket, 'answer', { signal });
    }
  }
}

function frameOf(
  command: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer = Buffer.alloc(0),
): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  return Buffer.concat([Buffer.from(`${command}\n${lines.join('')}\n`), body, Buffer.from('\0')]);
}
