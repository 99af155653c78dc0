import type { Broker } from './broker.ts';

/** An XMPP server that was started here. */
export interface XmppBroker extends Broker {
  /** STARTTLS is offered on it where the server has a certificate. */
  readonly port: number;
  /** TLS from the first byte, where the server has a certificate. */
  readonly tlsPort: number;
  readonly domain: string;
  /** The domain of its rooms. */
  readonly mucDomain: string;
  readonly websocketUrl: string;
  readonly websocketTlsUrl: string;
  /** Ends all sessions of a user. */
  dropSessions(name: string): Promise<void>;
  /** Throws an occupant out of a room (status 307). */
  kick(room: string, nick: string): Promise<void>;
  /** Makes a user an outcast of a room (status 301). */
  ban(room: string, name: string): Promise<void>;
  /** Takes a ban back. */
  allow(room: string, name: string): Promise<void>;
  destroyRoom(room: string): Promise<void>;
}
