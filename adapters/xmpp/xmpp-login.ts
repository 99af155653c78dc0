import { randomUUID } from 'node:crypto';
import { xml } from '@xmpp/client';
import { BusError } from '../../src/index.ts';
import { binary, SCRAM_NAMES, ScramMechanism, type ScramName } from './scram.ts';
import { NS, type Element } from './stanza.ts';
import { excerpt } from './xmpp-errors.ts';
import type { XmppSettings } from './xmpp-options.ts';

/** What @xmpp/client hands to whoever chooses the mechanism. */
export type Authenticate = (
  credentials: { username: string; password: string },
  mechanism: string,
  userAgent: Element,
) => Promise<void>;

export interface SaslFactory {
  use(alias: string, mechanism: () => ScramMechanism): void;
}

/** Proves to the server who we are, and lets the server prove that it is the one. */
export class XmppLogin {
  readonly #settings: Pick<XmppSettings, 'username' | 'password'>;
  #scram: ScramMechanism | undefined;

  constructor(settings: Pick<XmppSettings, 'username' | 'password'>) {
    this.#settings = settings;
  }

  /** Makes the mechanisms known to the client library. */
  offer(factory: SaslFactory): void {
    for (const name of SCRAM_NAMES) {
      factory.use(name, this.#mechanismOf(name));
      factory.use(aliasOf(name), this.#mechanismOf(name));
    }
  }

  /** Why none of the mechanisms that a server offers will do. */
  obstacle(mechanisms: readonly string[], secure: boolean): BusError | undefined {
    if (choice(mechanisms, secure) !== undefined) return undefined;
    if (mechanisms.length === 0) {
      const message = 'the server offers no way to log in on this line: does it want encryption?';
      return new BusError('BUS_MISCONFIGURED', message);
    }
    const message = mechanisms.includes('PLAIN')
      ? 'the server wants the password itself, and the line is not encrypted: use xmpps:// or wss://, or let the server offer STARTTLS or SCRAM'
      : `the server offers none of SCRAM and PLAIN to log in, but ${excerpt(mechanisms.join(', '))}`;
    return new BusError('BUS_MISCONFIGURED', message);
  }

  async authenticate(
    authenticate: Authenticate,
    mechanisms: readonly string[],
    secure: boolean,
  ): Promise<void> {
    const { username, password } = this.#settings;
    const userAgent = xml('user-agent', { id: randomUUID() });
    const chosen = choice(mechanisms, secure);
    if (chosen === undefined) return;
    if (chosen === 'PLAIN') {
      const credentials = { username: binary(username), password: binary(password) };
      await authenticate(credentials, chosen, userAgent);
    } else {
      await authenticate({ username, password }, aliasOf(chosen), userAgent);
    }
  }

  /**
   * Whether the server knows the password too (RFC 5802 section 5), from its `<success/>`. Where it was given
   * the password itself there is nothing to prove.
   */
  trusts(success: Element): boolean {
    if (this.#scram === undefined) return true;
    const last = success.is('success', NS.sasl2)
      ? success.getChildText('additional-data')
      : success.getText();
    return this.#scram.isFromServer(Buffer.from(last ?? '', 'base64').toString());
  }

  #mechanismOf(name: ScramName): () => ScramMechanism {
    const make = (): ScramMechanism => {
      this.#scram = new ScramMechanism(name);
      return this.#scram;
    };
    // The library says `new Mechanism()`, which an arrow function does not allow.
    return function Mechanism() {
      return make();
    };
  }
}

/** A password in the clear only where nobody listens. */
function choice(mechanisms: readonly string[], secure: boolean): ScramName | 'PLAIN' | undefined {
  const scram = SCRAM_NAMES.find((name) => mechanisms.includes(name));
  return scram ?? (secure && mechanisms.includes('PLAIN') ? 'PLAIN' : undefined);
}

/** The library has one of that name, and would take it. */
function aliasOf(name: ScramName): string {
  return `unstale ${name}`;
}
