import { type ChannelModel, connect } from 'amqplib';

import type { AmqpSettings, Endpoint } from './amqp-options.ts';

/** The largest frame of AMQP that we take: we offer 128 KiB, and a stranger on the port must not make us wait for more. */
const MAX_WIRE_FRAME_BYTES = 262_144;

/** Connects and logs in. Aborting `life` ends the connection at once, in whatever state it is. */
export function connectTo(
  { host, port }: Endpoint,
  settings: AmqpSettings,
  life: AbortSignal,
): Promise<ChannelModel> {
  const { tls, connectTimeoutMs, vhost, username, password, heartbeatSeconds } = settings;
  const broker = {
    protocol: tls === undefined ? 'amqp' : 'amqps',
    hostname: host,
    port,
    // The library takes it as it would stand in a URL.
    vhost: encodeURIComponent(vhost),
    username,
    password,
    heartbeat: heartbeatSeconds,
    maxFrameSize: MAX_WIRE_FRAME_BYTES,
  };
  const socket = {
    ...tls,
    noDelay: true,
    timeout: connectTimeoutMs,
    // Not in the library's types, but passed on to net.connect and tls.connect.
    signal: life,
    clientProperties: { connection_name: 'unstale' },
  };
  return connect(broker, socket);
}
