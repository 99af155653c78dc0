import { describeXmpp } from '../../test/adapters/xmpp/describe-xmpp.ts';
import { xmppServer } from '../../test/support/servers.ts';

describeXmpp('XMPP on Prosody', xmppServer);
