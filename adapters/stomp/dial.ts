import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import type { Endpoint, StompSettings } from './stomp-options.ts';

/** Begins to connect; `onReady` is called once bytes may be sent. The name is resolved anew each time. */
export function dial(endpoint: Endpoint, settings: StompSettings, onReady: () => void): Socket {
  const { host, port } = endpoint;
  if (settings.tls === undefined) {
    return connectPlain({ host, port, noDelay: true }, onReady);
  }
  const socket = connectTls({ host, port, ...settings.tls }, onReady);
  socket.setNoDelay(true);
  return socket;
}
