import { xmppBus, type XmppBusOptions } from '../../../adapters/xmpp/index.ts';
import { TcpProxy } from '../../../conformance-tests/index.ts';
import type { InvalidationBus } from '../../../src/index.ts';
import { Heard } from '../../support/heard.ts';
import { xmppServer } from '../../support/servers.ts';
import type { XmppSite } from './describe-xmpp.ts';
import { Person } from './person.ts';

/** It may have to be installed first. */
const SERVER_START_MS = 180_000;
/** Short waits, so that a cut costs a test a moment. */
const TUNING = { retryBaseMs: 20, retryCapMs: 200, attachTimeoutMs: 8_000 };

export interface Member {
  readonly bus: InvalidationBus;
  readonly heard: Heard;
  readonly line: TcpProxy;
}

/** Everybody in the rooms of one spec, and what sends them home after each test. */
export class Members {
  readonly #start: () => Promise<XmppSite>;
  readonly #leave: (() => Promise<void>)[] = [];
  #rooms = 0;

  /** For one `describe`: starts the server before its tests, and sends everybody home after each. */
  static at(start: () => Promise<XmppSite>): Members {
    const members = new Members(start);
    before(async function startServer() {
      this.timeout(SERVER_START_MS);
      const { launched } = await xmppServer();
      if (launched === undefined) skipAll(this);
      await start();
    });
    afterEach(() => members.#everybodyLeaves());
    return members;
  }

  private constructor(start: () => Promise<XmppSite>) {
    this.#start = start;
  }

  /** A room that nobody was in before: its name, as the server's administration wants it. */
  newRoom(): string {
    this.#rooms += 1;
    return `room-${process.pid}-${performance.now().toString(36).replace('.', '')}-${this.#rooms}`;
  }

  /** A bus on a line of its own, not opened yet. */
  async bus(room: string, options: Partial<XmppBusOptions> = {}): Promise<Member> {
    const site = await this.#start();
    const line = await TcpProxy.to(site);
    const bus = xmppBus({
      service: `xmpp://${line.host}:${line.port}`,
      domain: site.domain,
      room: `${room}@${site.mucDomain}`,
      username: site.username,
      password: site.password,
      tuning: TUNING,
      ...options,
    });
    this.#leave.push(async () => {
      line.heal();
      await bus.close();
      await line.close();
    });
    return { bus, heard: new Heard(), line };
  }

  /** The same, attached. */
  async joins(room: string, options: Partial<XmppBusOptions> = {}): Promise<Member> {
    const member = await this.bus(room, options);
    await member.bus.open(member.heard.receiver);
    return member;
  }

  /** Somebody with an ordinary client. */
  async person(
    room: string,
    account: {
      readonly username?: string;
      readonly password?: string;
      readonly nick?: string;
    } = {},
  ): Promise<Person> {
    const site = await this.#start();
    const person = await Person.joins({ ...site, ...account, room: `${room}@${site.mucDomain}` });
    this.#leave.push(() => person.leaves());
    return person;
  }

  async #everybodyLeaves(): Promise<void> {
    await Promise.all(this.#leave.splice(0).map((go) => go()));
  }
}

/** These tests break the server, or look into it: they leave one alone that is somebody else's. */
function skipAll(context: Mocha.Context): never {
  for (const test of context.test?.parent?.tests ?? []) {
    test.title += ' (pending: this server was not started by the tests)';
  }
  return context.skip();
}

/** What a call is refused with. */
export async function refusalOf(
  call: Promise<unknown>,
): Promise<{ code: unknown; message: string }> {
  try {
    await call;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return { code, message: error instanceof Error ? error.message : String(error) };
  }
  throw new Error('the call was not refused');
}
