import type { EventEmitter } from 'node:events';
import { client } from '@xmpp/client';
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
  takeWire(xmpp, endpoint.url, wire);
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
    await Promise.all(Array.from(elements, write));
  };
  return xmpp;
}

/** The library looks for a transport by the address of the service, and says `new Socket()`; ours is there already. */
function takeWire(xmpp: Client, url: string, wire: Wire): void {
  const Base = xmpp.transports.find(({ prototype }) => {
    try {
      return prototype.socketParameters(url) !== undefined;
    } catch {
      return false;
    }
  });
  if (Base === undefined) throw new Error(`@xmpp/client has no transport for ${url}`);
  abstract class Transport extends Base {}
  function Socket(): Wire {
    return wire;
  }
  Object.assign(Transport.prototype, { Socket });
  xmpp.transports = [Transport];
}

function isWhole(xmpp: Client): xmpp is XmppClient {
  return 'saslFactory' in xmpp && 'outbound_q' in xmpp.streamManagement;
}
