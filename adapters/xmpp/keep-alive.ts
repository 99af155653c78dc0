import { xml } from '@xmpp/client';
import { SilenceWatch } from './silence-watch.ts';
import { NS } from './stanza.ts';
import type { XmppClient } from './xmpp-client.ts';
import type { XmppSettings } from './xmpp-options.ts';

/** The library asks for an `<a/>` after 250 ms without a stanza of ours, that is never on a busy bus. */
const STANZAS_PER_ACK_REQUEST = 100;
const MAX_UNACKED_STANZAS = 20_000;

/** Makes the server show that it is there, and that what we have sent has arrived (XEP-0198, or else XEP-0199). */
export class KeepAlive {
  readonly #xmpp: XmppClient;
  readonly #settings: XmppSettings;
  readonly #onDead: (why: string) => void;
  readonly #watch: SilenceWatch;
  #sinceAckRequest = 0;

  constructor(options: {
    readonly xmpp: XmppClient;
    readonly settings: XmppSettings;
    readonly onDead: (why: string) => void;
  }) {
    this.#xmpp = options.xmpp;
    this.#settings = options.settings;
    this.#onDead = options.onDead;
    const { requestAckIntervalMs, ackTimeoutMs } = options.settings;
    const ask = (): void => {
      this.#ask();
    };
    const giveUp = (): void => {
      this.#onDead(`gave no sign of life for ${ackTimeoutMs} ms (ackTimeoutMs)`);
    };
    this.#watch = new SilenceWatch([
      { afterMs: requestAckIntervalMs, act: ask },
      { afterMs: ackTimeoutMs, act: giveUp },
    ]);
  }

  /** The server has said something. */
  heard(): void {
    this.#watch.heard();
  }

  /** We have sent a stanza, which is kept until it is acknowledged. */
  sent(): void {
    this.#sinceAckRequest += 1;
    if (this.#sinceAckRequest < STANZAS_PER_ACK_REQUEST) return;
    const { enabled, outbound_q } = this.#xmpp.streamManagement;
    if (outbound_q.length > MAX_UNACKED_STANZAS) {
      this.#onDead(`has not acknowledged ${outbound_q.length} stanzas`);
    } else if (enabled) {
      this.#ask();
    }
  }

  stop(): void {
    this.#watch.stop();
  }

  #ask(): void {
    this.#sinceAckRequest = 0;
    const { domain } = this.#settings;
    const question = this.#xmpp.streamManagement.enabled
      ? xml('r', { xmlns: NS.sm })
      : xml('iq', { type: 'get', to: domain, id: 'ping' }, xml('ping', { xmlns: NS.ping }));
    // The end of the line is told by the line.
    this.#xmpp.send(question).catch(() => undefined);
  }
}
