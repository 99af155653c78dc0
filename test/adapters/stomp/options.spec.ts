import { expect } from 'chai';
import { destinationFor } from '../../../adapters/stomp/destination.ts';
import { stompBus, type StompBusOptions } from '../../../adapters/stomp/index.ts';
import { textOf } from '../../../adapters/stomp/text-of.ts';

const GOOD: StompBusOptions = { topic: 'shop', username: 'unstale', password: 'secret-word' };

describe('the options of the STOMP bus', () => {
  const bad: Readonly<Record<string, readonly unknown[]>> = {
    topic: [undefined, '', 7],
    host: ['', 7],
    port: [0, 65_536, 1.5, '61613'],
    hosts: [[], 'localhost', [''], ['a:b'], ['stomp://a'], [7], ['a/b']],
    vhost: ['', 'a\nb'],
    username: [undefined, '', 'a\nb', 'a\rb', 'a\0b'],
    password: [undefined, '', 'secret-word\nx', 7],
    heartbeatMs: [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '10'],
    prefetch: [0, 65_536, 1.5],
    maxFrameBytes: [0, 1_048_577, 'x'],
    tls: [null, true, { cert: 'x' }, { key: 'x' }, { ca: 'no PEM', cert: 'x', key: 'x' }],
  };
  for (const [name, values] of Object.entries(bad)) {
    it(`names ${name} when it is wrong, and shows no secret`, () => {
      for (const value of values) {
        const options = { ...GOOD, [name]: value };
        expect(() => stompBus(options), JSON.stringify(value))
          .to.throw(TypeError, name)
          .with.property('message')
          .that.does.not.contain('secret-word');
      }
    });
  }

  it('refuses a word for acceptAnyCertificate: "false" is true', () => {
    const tls: object = { acceptAnyCertificate: 'false' };
    expect(() => stompBus({ ...GOOD, tls })).to.throw(TypeError, 'acceptAnyCertificate');
  });

  it('does nothing before `open`, and says what it promises', () => {
    const bus = stompBus({ ...GOOD, host: 'nowhere.invalid', maxFrameBytes: 1_000 });
    expect(bus.state).to.equal('idle');
    expect(bus.capabilities).to.deep.equal({
      ordering: 'publisher',
      resumption: false,
      maxFrameBytes: 1_000,
      framesInFlight: 256,
    });
  });
});

describe('the destination of a channel', () => {
  it('is the name itself where every broker takes it as it is', () => {
    expect(destinationFor('shop.articles_v2-eu')).to.equal('/topic/shop.articles_v2-eu');
  });

  it('is made from the hash of a name that would mean something to a broker', () => {
    const odd = ['a>', 'a.*', 'a,b', 'a?b', 'a/b', 'a#b', 'a%20b', 'a b', 'é', '.a', 'a..b', 'a.'];
    const names = [...odd, 'ActiveMQ.Advisory.Connection', 'x'.repeat(201)];
    const destinations = names.map((name) => destinationFor(name));
    expect(new Set(destinations).size).to.equal(names.length);
    for (const one of destinations) expect(one).to.match(/^\/topic\/unstale\.[0-9a-f]{32}$/);
  });
});

describe('the text of a body', () => {
  it('is read from UTF-8', () => {
    expect(textOf(Buffer.from('é 💣 ]]>'))).to.equal('é 💣 ]]>');
  });

  it('is read from the "modified UTF-8" of Java', () => {
    const bytes = Buffer.from('61eda0bdedb2a3c08062', 'hex');
    expect(textOf(bytes)).to.equal('a💣\0b');
  });

  it('is readable even where bytes are no text', () => {
    expect(textOf(Buffer.from('41ff42eda0bd', 'hex'))).to.match(/^A\ufffdB\ufffd+$/);
  });
});
