import type { Transport } from '../../config/bus-config.ts';
import { BusError } from '../../index.ts';
import { failed, ok, type Finding } from './finding.ts';
import { lackOfRights } from './lack-of-rights.ts';
import type { PlaceOf } from './place.ts';
import type { Probe } from './probe.ts';

interface Bus {
  readonly transport: Transport;
  readonly placeOf: PlaceOf;
}

/** Opens the bus: TLS, login, and the room, topic or exchange. */
export async function checkOpen(probe: Probe, bus: Bus, signal: AbortSignal): Promise<Finding> {
  const startMs = performance.now();
  try {
    await probe.open(signal);
  } catch (error) {
    return whyNot(error, bus);
  }
  return ok('attach', `attached in ${Math.round(performance.now() - startMs)} ms`);
}

function whyNot(error: unknown, bus: Bus): Finding {
  const { transport, placeOf } = bus;
  if (!(error instanceof BusError)) {
    const text = isTimeout(error) ? 'the broker does not let us in in time' : String(error);
    return failed('attach', text, ATTACH_ADVICE[transport]);
  }
  const { code, message } = error;
  if (/certificate|\bTLS\b|encryption/.test(message)) {
    return failed('tls', message, `check ${placeOf('tls')}`);
  }
  const rights = lackOfRights(message, transport);
  if (rights !== undefined) return rights;
  const channel = CHANNELS[transport];
  if (message.includes('the room ') || code === 'BUS_MISCONFIGURED') {
    const advice = `do what the text says at the broker, or change ${placeOf(channel)}`;
    return failed(channel, message, advice);
  }
  if (code === 'BUS_ACCESS_DENIED') {
    const advice = `check ${placeOf('username')} and ${placeOf('password')}${LOGIN_ADVICE[transport]}`;
    return failed('login', message, advice);
  }
  return failed('attach', `${message} (${code})`, ATTACH_ADVICE[transport]);
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}

const CHANNELS = {
  memory: 'channel',
  ipc: 'channel',
  xmpp: 'room',
  stomp: 'topic',
  amqp: 'exchange',
} as const;

const LOGIN_ADVICE = {
  memory: '',
  ipc: '',
  xmpp: '; and whether the server has this account (prosodyctl passwd, ejabberdctl check_password)',
  stomp: '; and whether the broker has this user (users.properties, activemq.xml)',
  amqp: '; and whether the broker has this user, with a right to the virtual host (rabbitmqctl authenticate_user, list_permissions)',
} as const;

const ATTACH_ADVICE = {
  memory: 'look at the text',
  ipc: 'look at the folder of the sockets and who owns it',
  xmpp: 'look into the server’s log at this time (prosody.log, ejabberd.log)',
  stomp: 'look into the broker’s log at this time (activemq.log)',
  amqp: 'look into the broker’s log at this time, and at its alarms (rabbitmq-diagnostics alarms)',
} as const;
