import { expect } from 'chai';
import type { Address } from '../address.ts';
import { heapInUse } from '../heap-in-use.ts';
import type { Member } from '../member.ts';
import { expectRefusal, settles } from '../settlement.ts';
import type { Stage } from '../stage.ts';
import {
  closesAtOnce,
  flood,
  OddPeer,
  OTHER_PROTOCOLS,
  resetsAtOnce,
  says,
  silent,
  type Behaviour,
} from './odd-peer.ts';

const ATTACH_TIMEOUT_MS = 1_500;
const MAX_RETAINED_BYTES = 16 * 1024 * 1024;
/** 100 MB are sent; what a bus holds of them at any time must be a small part. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;

const PEERS: Readonly<Record<string, Behaviour>> = {
  'closes at once': closesAtOnce,
  'resets at once': resetsAtOnce,
  'never answers': silent,
  'floods with letters': flood('a'),
  'floods with lines': flood('a\n'),
  'floods with zeros': flood('\0'),
  'floods with elements': flood('<a>'),
};

/** EN-03 */
export async function strangePeers(stage: Stage): Promise<void> {
  for (const [name, behave] of Object.entries(PEERS)) {
    await using peer = await OddPeer.that(behave);
    await refuses(stage, `a peer that ${name}`, peer.address);
  }
  await stopsInTheMiddle(stage);
}

/** EN-04 */
export async function otherProtocols(
  stage: Stage,
  otherBrokers: Readonly<Record<string, Address>>,
): Promise<void> {
  for (const [name, text] of Object.entries(OTHER_PROTOCOLS)) {
    for (const thenEnds of [true, false]) {
      await using peer = await OddPeer.that(says(text, { thenEnds }));
      await refuses(stage, `a peer that speaks ${name}`, peer.address);
    }
  }
  for (const [name, address] of Object.entries(otherBrokers)) await refuses(stage, name, address);
}

async function refuses(stage: Stage, what: string, address: Address): Promise<void> {
  const before = heapInUse();
  const peak = new PeakBytes();
  const member = await stage.place({
    tuning: { attachTimeoutMs: ATTACH_TIMEOUT_MS },
    make: (place) => stage.fixture.createBus({ ...place, ...address }),
  });
  await failsToOpen(stage, member, what);
  expect(peak.stop(), `bytes held while ${what}`).to.be.lessThan(MAX_HELD_BYTES);
  expect(heapInUse() - before, `bytes kept of ${what}`).to.be.lessThan(MAX_RETAINED_BYTES);
}

/** The real broker, cut short: half a frame, and then nothing. */
async function stopsInTheMiddle(stage: Stage): Promise<void> {
  // The first to come may have to make the channel; the second hears what every later one hears.
  await stage.join();
  // The first on a channel may have more to do than those who come later, as the two below.
  await stage.join();
  const whole = await stage.join();
  const opened = whole.line.proxy?.passed('toBus') ?? 0;
  for (const bytes of [1, Math.ceil(opened / 4), Math.ceil(opened / 2)]) {
    const member = await stage.place({ tuning: { attachTimeoutMs: ATTACH_TIMEOUT_MS } });
    member.line.proxy?.breakAfter({ bytes, direction: 'toBus', how: 'swallow' });
    await failsToOpen(stage, member, `a broker that stops after ${bytes} bytes`);
  }
}

async function failsToOpen(stage: Stage, member: Member, what: string): Promise<void> {
  const opening = member.bus.open(member.receiver);
  const settlement = await settles(`open to ${what}`, opening, stage.waits.patienceMs);
  expectRefusal(
    `open to ${what}`,
    settlement,
    'BUS_UNREACHABLE',
    'BUS_MISCONFIGURED',
    'BUS_ACCESS_DENIED',
  );
  expect(member.bus.state).to.equal('closed');
  expect(member.heard, `told to the receiver by ${what}`).to.deep.equal([]);
}

/** How much memory is in use at most, over what was in use at the start; garbage counts, so bounds are generous. */
class PeakBytes {
  readonly #startBytes = bytesInUse();
  readonly #timer: NodeJS.Timeout;
  #peakBytes = 0;

  constructor() {
    this.#timer = setInterval(() => {
      this.#look();
    }, 10);
  }

  stop(): number {
    clearInterval(this.#timer);
    this.#look();
    return this.#peakBytes - this.#startBytes;
  }

  #look(): void {
    this.#peakBytes = Math.max(this.#peakBytes, bytesInUse());
  }
}

function bytesInUse(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
