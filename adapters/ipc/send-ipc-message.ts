import { connect } from 'node:net';

import { BusError } from '../../src/index.ts';
import { meetingPlace } from './ipc-bus.ts';
import { encodeRecord, MAX_TEXT_LENGTH } from './record.ts';

export interface SendIpcMessageOptions {
  readonly channel: string;
  /** As in `ipcBus`. */
  readonly folder?: string;
  readonly text: string;
}

/** How long the hub may take, in ms. */
const SEND_TIMEOUT_MS = 5_000;

/**
 * Sends a foreign message to all members of a channel, as `echo text | nc -U socket` does, for texts of any kind:
 * also with line feeds, and with characters that a shell would eat. Resolves once the hub has it.
 * @throws {BusError} `BUS_UNREACHABLE` if the channel has no members
 * @throws {TypeError} if the text is empty or too long
 */
export async function sendIpcMessage(options: SendIpcMessageOptions): Promise<void> {
  const { text } = options;
  if (typeof text !== 'string' || text === '' || text.length > MAX_TEXT_LENGTH) {
    throw new TypeError(`options.text must be a text of 1 to ${MAX_TEXT_LENGTH} characters`);
  }
  const address = await meetingPlace(options).find();
  if (address === undefined) throw nobodyThere();
  const socket = connect(address);
  await new Promise<void>((resolve, reject) => {
    socket.on('error', (cause) => {
      reject(nobodyThere(cause));
    });
    // The hub hangs up when it has read all.
    socket.on('close', () => {
      resolve();
    });
    socket.setTimeout(SEND_TIMEOUT_MS, () => {
      socket.destroy(new Error('the hub does not answer'));
    });
    socket.resume();
    socket.end(encodeRecord({ type: 'foreign', message: { text, id: '' } }));
  });
}

function nobodyThere(cause?: unknown): BusError {
  const message = 'nobody has joined this channel on this machine';
  return new BusError('BUS_UNREACHABLE', message, cause === undefined ? {} : { cause });
}
