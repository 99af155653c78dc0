export { xmppBus } from './xmpp-bus.ts';
export type { XmppBusOptions, XmppTlsOptions } from './xmpp-options.ts';
