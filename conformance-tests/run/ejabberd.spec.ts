import { describeXmpp } from '../../test/adapters/xmpp/describe-xmpp.ts';
import { ejabberdServer } from '../../test/support/servers.ts';

describeXmpp('XMPP on ejabberd', ejabberdServer);
