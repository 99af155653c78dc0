import { createBus, type InvalidationBus } from '../../src/index.ts';
import { XmppDriver } from './xmpp-driver.ts';
import { resolveOptions, type XmppBusOptions } from './xmpp-options.ts';

/**
 * A bus over an XMPP multi-user chat room (XEP-0045): the channel is the room, every node is an occupant, and
 * a person in the room is a node too. Makes no connection before `open`. See docs/adapters/xmpp.md.
 * @throws {TypeError} naming the option that is missing or wrong
 */
export function xmppBus(options: XmppBusOptions): InvalidationBus {
  return createBus(new XmppDriver(resolveOptions(options)), options.tuning);
}
