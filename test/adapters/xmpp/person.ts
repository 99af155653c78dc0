import { client, xml } from '@xmpp/client';

/** Somebody in the room with an ordinary client: knows nothing of frames, reads bodies and types texts. */
export class Person {
  readonly nick: string;
  readonly #xmpp: ReturnType<typeof client>;
  readonly #room: string;
  readonly #heard: { readonly nick: string; readonly body: string }[] = [];
  readonly #checks = new Set<() => void>();
  #sent = 0;

  /** Joins and waits for the room's subject, after which everything is heard. */
  static async joins(options: {
    readonly host?: string;
    readonly port: number;
    readonly domain: string;
    readonly username: string;
    readonly password: string;
    readonly room: string;
    readonly nick?: string;
  }): Promise<Person> {
    const { host = '127.0.0.1', port, domain, username, password, room, nick = 'person' } = options;
    const service = `xmpp://${host}:${port}`;
    const xmpp = client({ service, domain, username, password });
    const person = new Person(xmpp, room, nick);
    xmpp.reconnect.stop();
    xmpp.on('error', () => undefined);
    // This client library miscounts what comes in the moment in which stream management begins.
    const settled = new Promise<void>((resolve) => {
      xmpp.on('nonza', (element) => {
        if (element.is('enabled')) setImmediate(resolve);
      });
    });
    await xmpp.start();
    await settled;
    const subject = new Promise<void>((resolve) => {
      xmpp.on('stanza', (stanza) => {
        if (stanza.getChild('subject')) resolve();
        const [from, who = ''] = String(stanza.attrs['from']).split('/', 2);
        const body = stanza.getChildText('body');
        if (from === room && body !== null) person.#note(who, body);
      });
    });
    const muc = xml('x', { xmlns: 'http://jabber.org/protocol/muc' });
    await xmpp.send(xml('presence', { to: `${room}/${nick}` }, muc));
    await subject;
    return person;
  }

  private constructor(xmpp: ReturnType<typeof client>, room: string, nick: string) {
    this.#xmpp = xmpp;
    this.#room = room;
    this.nick = nick;
  }

  /** What was to be read in the room, by whomever. */
  get read(): readonly string[] {
    return this.#heard.map(({ body }) => body);
  }

  /** Types something into the room, and waits until it is there. */
  async types(text: string): Promise<void> {
    const own = (): number =>
      this.#heard.filter(({ nick, body }) => nick === this.nick && body === text).length;
    const before = own();
    this.#sent += 1;
    await this.sends(
      xml('message', { type: 'groupchat', id: `typed-${this.#sent}` }, xml('body', {}, text)),
    );
    await this.until(() => own() > before);
  }

  /** Sends a stanza of any kind into the room. */
  async sends(stanza: ReturnType<typeof xml>): Promise<void> {
    stanza.attrs['to'] ??= this.#room;
    await this.#xmpp.send(stanza);
  }

  async until(condition: () => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#checks.delete(check);
        reject(
          new Error(`the person waited in vain; read: ${JSON.stringify(this.read.slice(-5))}`),
        );
      }, 10_000);
      const check = (): void => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#checks.delete(check);
        resolve();
      };
      this.#checks.add(check);
      check();
    });
  }

  async leaves(): Promise<void> {
    // What arrives after the end of the stream is an uncaught exception in this client library.
    this.#xmpp.socket?.removeAllListeners('data');
    this.#xmpp.timeout = 50;
    await this.#xmpp.stop();
  }

  #note(nick: string, body: string): void {
    this.#heard.push({ nick, body });
    for (const check of Array.from(this.#checks)) check();
  }
}
