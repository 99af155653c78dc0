import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import { InFlight } from '../../../adapters/xmpp/in-flight.ts';
import { ScramMechanism } from '../../../adapters/xmpp/scram.ts';
import { SilenceWatch } from '../../../adapters/xmpp/silence-watch.ts';
import { releaseStack } from '../../../adapters/xmpp/xmpp-errors.ts';
import { BusError } from '../../../src/index.ts';

describe('XMPP: SCRAM', () => {
  const account = { username: 'user', password: 'pencil' };

  it('computes what RFC 5802 section 5 shows', async () => {
    const scram = new ScramMechanism('SCRAM-SHA-1', 'fyko+d2lbbFgONRv9qkxdawL');
    expect(await scram.response(account)).to.equal('n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL');
    scram.challenge('r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096');
    expect(await scram.response(account)).to.equal(
      'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    );
    expect(scram.isFromServer('v=rmF9pqV8S7suAoZWja4dJRkFsKQ=')).to.equal(true);
    expect(scram.isFromServer('v=AmF9pqV8S7suAoZWja4dJRkFsKQ=')).to.equal(false);
    expect(scram.isFromServer('')).to.equal(false);
    expect(scram.isFromServer('e=other-error')).to.equal(false);
  });

  it('computes what RFC 7677 section 3 shows', async () => {
    const scram = new ScramMechanism('SCRAM-SHA-256', 'rOprNGfwEbeRWgbNEkqO');
    await scram.response(account);
    scram.challenge(
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    );
    expect(await scram.response(account)).to.equal(
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    );
    // The last message may come as one more challenge.
    scram.challenge('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
    expect(await scram.response(account)).to.equal('');
    expect(scram.isFromServer('')).to.equal(true);
  });

  it('believes nobody before the exchange', () => {
    const scram = new ScramMechanism('SCRAM-SHA-512');
    const forged = createHmac('sha512', '').update('').digest('base64');
    expect(scram.isFromServer(`v=${forged}`)).to.equal(false);
    expect(scram.isFromServer('v=')).to.equal(false);
  });
});

describe('XMPP: a watch for silence', () => {
  it('takes its steps in turn, and starts over at every sign of life', async () => {
    const taken: string[] = [];
    await new Promise<void>((resolve) => {
      const ask = (): void => {
        taken.push('ask');
        if (taken.length === 1) watch.heard();
      };
      const giveUp = (): void => {
        taken.push('give up');
        resolve();
      };
      const watch = new SilenceWatch([
        { afterMs: 5, act: ask },
        { afterMs: 5, act: giveUp },
      ]);
    });
    expect(taken).to.deep.equal(['ask', 'ask', 'give up']);
  });

  it('does not take a standstill of the process for silence of the other side', async () => {
    const taken: string[] = [];
    const watch = new SilenceWatch([
      { afterMs: 10, act: () => taken.push('ask') },
      { afterMs: 10, act: () => taken.push('give up') },
    ]);
    // Both waits pass while nothing runs; what had arrived meanwhile is read as soon as it does.
    standStill(50);
    await new Promise((resolve) => {
      setTimeout(resolve);
    });
    watch.heard();
    watch.stop();
    expect(taken).to.not.include('give up');
  });

  it('is silent itself once it is stopped', async () => {
    const taken: string[] = [];
    const watch = new SilenceWatch([{ afterMs: 1, act: () => taken.push('late') }]);
    watch.stop();
    watch.heard();
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    expect(taken).to.deep.equal([]);
  });
});

describe('XMPP: frames in flight', () => {
  const sent: string[] = [];
  beforeEach(() => {
    sent.length = 0;
  });

  function pass(flight: InFlight, id: string, frame = id): Promise<void> {
    return flight.pass(id, frame, () => sent.push(id));
  }

  it('are confirmed by their id, and by their text where the room has changed the id', async () => {
    const flight = new InFlight(10_000);
    const passing = [pass(flight, '1', 'a'), pass(flight, '2', 'b')];
    flight.reflected('1', 'a');
    flight.reflected('changed', 'b');
    await Promise.all(passing);
  });

  it('are sent 256 at a time, the others as reflections come', async () => {
    const flight = new InFlight(10_000);
    const passing = Array.from({ length: 600 }, (_, index) => pass(flight, `${index}`));
    expect(sent).to.have.lengthOf(256);
    for (let index = 0; index < 600; index += 1) {
      flight.reflected(`${index}`, `${index}`);
      expect(sent.length).to.equal(Math.min(600, 257 + index));
    }
    await Promise.all(passing);
  });

  it('are not confirmed where the room has reflected a later one only', async () => {
    const flight = new InFlight(10_000);
    const lost = pass(flight, '1').catch((error: unknown) => error);
    const kept = pass(flight, '2');
    flight.reflected('2', '2');
    await kept;
    expect(await lost).to.have.property('code', 'BUS_UNCONFIRMED');
  });

  it('do not block what follows where the room reflects nothing for a while', async () => {
    const flight = new InFlight(20);
    for (let index = 0; index < 300; index += 1)
      void pass(flight, `${index}`).catch(() => undefined);
    expect(sent).to.have.lengthOf(256);
    standStill(30);
    const late = pass(flight, 'late');
    expect(sent.at(-1)).to.equal('late');
    // Those that waited as long have been given up by their callers: they are not sent any more.
    expect(sent).to.have.lengthOf(257);
    flight.reflected('late', 'late');
    await late;
  });

  it('are refused with the error of the room', async () => {
    const flight = new InFlight(10_000);
    const refused = pass(flight, '1').catch((error: unknown) => error);
    const error = new BusError('BUS_REJECTED', 'no');
    expect(flight.refused('1', error)).to.equal(true);
    expect(flight.refused('1', error)).to.equal(false);
    expect(await refused).to.equal(error);
  });
});

describe('XMPP: errors', () => {
  it('can be kept without keeping what they are about', () => {
    const inner = new Error('inner');
    const outer = new BusError('BUS_UNREACHABLE', 'outer', { cause: inner });
    expect(() => {
      releaseStack(outer);
      releaseStack('no error');
    }).to.not.throw();
    expect(outer.stack).to.include('outer');
  });
});

/** Keeps the process from doing anything else. */
function standStill(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}
