import type { Transport } from '../../config/bus-config.ts';
import { failed, type Finding } from './finding.ts';

/** The finding that the user may not do what a bus does; `undefined` if that is not what the broker says. */
export function lackOfRights(message: string, transport: Transport): Finding | undefined {
  return RIGHTS.test(message) ? failed('rights', message, RIGHTS_ADVICE[transport]) : undefined;
}

/** What brokers say to a user whom they know and who may not do that. */
const RIGHTS = /access to (exchange|queue|topic)|is not authori[sz]ed to/i;

const RIGHTS_ADVICE = {
  memory: '',
  ipc: 'let this user read and write the folder of the sockets',
  xmpp: 'let an owner of the room give this account a voice',
  stomp:
    'give this user the rights read, write and admin to the topic (activemq.xml: authorizationEntry)',
  amqp: 'give this user the rights configure, write and read to the exchange and to queues amq.gen.* (rabbitmqctl set_permissions USER ".*" ".*" ".*")',
} as const;
