import { describeXmpp } from '../../test/adapters/xmpp/describe-xmpp.ts';
import { ejabberd } from '../../test/support/brokers.ts';

describeXmpp('XMPP on ejabberd', ejabberd);
