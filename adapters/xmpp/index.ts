export { inspectRoom, type RoomFacts } from './inspect-room.ts';
export { xmppBus } from './xmpp-bus.ts';
export type { XmppBusOptions, XmppTlsOptions } from './xmpp-options.ts';
