export { inspectRoom, type RoomFacts } from './inspect-room.ts';
export { xmppBus } from './xmpp-bus.ts';
export type { XmppTlsOptions } from './tls-options.ts';
export type { XmppBusOptions } from './xmpp-options.ts';
