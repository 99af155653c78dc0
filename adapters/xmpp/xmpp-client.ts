import type { EventEmitter } from 'node:events';
import { client, xml } from '@xmpp/client';
import { NS, type Element } from './stanza.ts';
import type { Wire } from './wire.ts';
import type { SaslFactory, XmppLogin } from './xmpp-login.ts';
import type { Endpoint, XmppSettings } from './xmpp-options.ts';

type Client = ReturnType<typeof client>;

/** What version 0.14 has and its types lack. */
interface Untyped {
  readonly saslFactory: SaslFactory;
  readonly streamManagement: EventEmitter & {
    enabled: boolean;
    id: string;
    inbound: number;
    outbound: number;
    outbound_q: readonly unknown[];
  };
}

export type XmppClient = Client & Untyped;

/**
 * A client of @xmpp/client that uses our line and our login. Its reconnecting and its timers are switched off:
 * the engine attaches again, and a `SilenceWatch` notices a dead line without sending the end of the stream
 * after it, which would end a session that could be resumed.
 */
export function makeClient(options: {
  readonly endpoint: Endpoint;
  readonly settings: XmppSettings;
  readonly wire: Wire;
  readonly login: XmppLogin;
}): XmppClient {
  const { endpoint, settings, wire, login } = options;
  const xmpp = client({
    service: endpoint.url,
    domain: settings.domain,
    timeout: settings.attachTimeoutMs,
    credentials: (authenticate, mechanisms, _fast, entity) =>
      login.authenticate(authenticate, mechanisms, entity.isSecure()),
  });
  if (!isWhole(xmpp)) throw new Error('this adapter needs @xmpp/client 0.14');
  xmpp.reconnect.stop();
  Object.assign(xmpp.streamManagement, { requestAckInterval: 0, timeout: 0 });
  login.offer(xmpp.saslFactory);
  takeWire(xmpp, wire);
  // The library notes a stanza for the resumption when it has been written. Where the line breaks in the
  // middle of that, the server may have it and we would not know: so it is noted first.
  const framed = endpoint.protocol === 'ws:' || endpoint.protocol === 'wss:';
  const write = (element: Element): Promise<void> => {
    element.parent = xmpp.root;
    if (framed) element.attrs['xmlns'] ??= NS.client;
    xmpp.emit('send', element);
    return xmpp.write(element.toString());
  };
  xmpp.send = write;
  xmpp.sendMany = async (elements) => {
    // Only after a resumption: what the server had not acknowledged. It is to do so soon, since we keep it until then.
    await Promise.all(Array.from(elements, write));
    await write(xml('r', { xmlns: NS.sm }));
  };
  return xmpp;
}

/** The library says `new Socket()`, of the class that it finds for the address; ours is there already. */
function takeWire(xmpp: Client, wire: Wire): void {
  function Socket(): Wire {
    return wire;
  }
  Object.defineProperty(xmpp, 'Socket', {
    get: () => Socket,
    set() {
      // What the library has found is not wanted.
    },
  });
}

function isWhole(xmpp: Client): xmpp is XmppClient {
  return 'saslFactory' in xmpp && 'outbound_q' in xmpp.streamManagement;
}
