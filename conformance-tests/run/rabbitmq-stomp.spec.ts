import { rabbitMqStompServer } from '../../test/support/servers.ts';
import { describeStomp } from '../../test/adapters/stomp/describe-stomp.ts';

describeStomp('STOMP on RabbitMQ', rabbitMqStompServer);
