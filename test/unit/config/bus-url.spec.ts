import { expect } from 'chai';
import { assert, constantFrom, property, string } from 'fast-check';
import { parseBusUrl, showBusUrl } from '../../../src/config/bus-url.ts';

const SECRET = 'p4ssw0rd';

/** The error that `url` is refused with. */
function refusal(url: string): TypeError {
  try {
    parseBusUrl(url);
  } catch (error) {
    expect(error).to.be.instanceOf(TypeError);
    if (error instanceof TypeError) return error;
  }
  throw new Error(`it was read: ${url}`);
}

describe('a bus URL', () => {
  const READINGS: readonly (readonly [url: string, config: object])[] = [
    ['memory:', { transport: 'memory', channel: 'unstale' }],
    ['memory:shop', { transport: 'memory', channel: 'shop' }],
    ['ipc:', { transport: 'ipc', channel: 'unstale' }],
    ['ipc:shop', { transport: 'ipc', channel: 'shop' }],
    ['ipc:shop?folder=/run/x', { transport: 'ipc', channel: 'shop', folder: '/run/x' }],
    ['ipc:/run/x?channel=shop', { transport: 'ipc', channel: 'shop', folder: '/run/x' }],
    ['ipc:///run/a%20b', { transport: 'ipc', channel: 'unstale', folder: '/run/a b' }],
    ['IPC:shop', { transport: 'ipc', channel: 'shop' }],
    [
      'xmpp://ann:secret@chat.example.com:5222/cache@conference.example.com',
      {
        transport: 'xmpp',
        service: 'xmpp://chat.example.com:5222',
        room: 'cache@conference.example.com',
        username: 'ann',
        password: 'secret',
      },
    ],
    [
      'xmpps://ann%40example.com:a%2Fb%3Fc%23d%40e%25f@[::1]/my%20room@conference.example.com?domain=other.example',
      {
        transport: 'xmpp',
        service: 'xmpps://[::1]',
        room: 'my room@conference.example.com',
        username: 'ann',
        password: 'a/b?c#d@e%f',
        domain: 'other.example',
      },
    ],
    [
      'xmpp://ann%40example.com:x@127.0.0.1/r@conference.example.com',
      {
        transport: 'xmpp',
        service: 'xmpp://127.0.0.1',
        room: 'r@conference.example.com',
        username: 'ann',
        password: 'x',
        domain: 'example.com',
      },
    ],
    [
      'ws+xmpp://ann:x@h:5280/r@c.h',
      {
        transport: 'xmpp',
        service: 'ws://h:5280/xmpp-websocket',
        room: 'r@c.h',
        username: 'ann',
        password: 'x',
      },
    ],
    [
      'wss+xmpp://ann:x@h/r@c.h?path=/ws',
      { transport: 'xmpp', service: 'wss://h/ws', room: 'r@c.h', username: 'ann', password: 'x' },
    ],
    [
      'stomp://ann:x@h/cache.shop',
      {
        transport: 'stomp',
        host: 'h',
        port: 61_613,
        username: 'ann',
        password: 'x',
        topic: 'cache.shop',
      },
    ],
    [
      'stomps://ann:x@h:1234//topic/cache?vhost=v',
      {
        transport: 'stomp',
        host: 'h',
        port: 1_234,
        tls: {},
        username: 'ann',
        password: 'x',
        topic: 'cache',
        vhost: 'v',
      },
    ],
    ['amqp://h', { transport: 'amqp', host: 'h', port: 5_672, vhost: '/', exchange: 'unstale' }],
    [
      'amqps://ann:x@[fe80::1]:99/a%2Fb?exchange=shop',
      {
        transport: 'amqp',
        host: 'fe80::1',
        port: 99,
        tls: {},
        username: 'ann',
        password: 'x',
        vhost: 'a/b',
        exchange: 'shop',
      },
    ],
  ];
  for (const [url, config] of READINGS) {
    it(`is read: ${url}`, () => {
      expect(parseBusUrl(url)).to.deep.equal(config);
    });
  }

  const REFUSALS: readonly (readonly [url: string, says: RegExp])[] = [
    ['', /begins with one of memory:, ipc:/],
    ['redis://h', /got redis:/],
    [`ann:${SECRET}@h`, /begins with one of/],
    [`xmpp://ann:${SECRET}@/r@c`, /cannot be read|no host/],
    [`xmpp://ann:${SECRET}@h h/r@c`, /cannot be read|host .* wrong/],
    [`xmpp://ann:${SECRET}@h:99999/r@c`, /cannot be read/],
    [`xmpp://ann:${SECRET}/x@h/r@c`, /percent-encoded/],
    [`xmpp://ann:${SECRET}#x@h/r@c`, /%23/],
    [`xmpp://ann:${SECRET}?x@h/r@c`, /percent-encoded|unknown parameter/],
    [`xmpp://ann:${SECRET}%zz@h/r@c`, /no percent-encoding/],
    [`xmpp://ann:${SECRET}%00@h/r@c`, /control character/],
    [`xmpp://ann:${SECRET}@h`, /no room/],
    [`xmpp://ann:${SECRET}@h/room`, /no room/],
    [`xmpp://ann:${SECRET}@h/@c`, /no room/],
    [`xmpp:ann:${SECRET}@h/r@c`, /no host|has no/],
    [`xmpp://:${SECRET}@h/r@c`, /no user name/],
    ['xmpp://ann@h/r@c', /no password/],
    ['xmpp://h/r@c', /no user name/],
    [`xmpp://ann:${SECRET}@h/r@c?dommain=x`, /it takes domain/],
    [`xmpp://ann:${SECRET}@h/r@c?domain=`, /empty/],
    [`xmpp://ann:${SECRET}@h/r@c?domain=a&domain=b`, /twice/],
    [`ws+xmpp://ann:${SECRET}@h/r@c?path=ws`, /slash/],
    [`stomp://ann:${SECRET}@/t`, /cannot be read|no host/],
    ['stomp://ann@h/t', /no password/],
    [`amqp://:${SECRET}@h`, /no user name/],
    ['memory://host', /no host/],
    ['ipc://host/x', /no host/],
    ['ipc:a?channel=b', /two channels/],
    ['ipc:/a?folder=/b', /two folders/],
    ['memory:?x=1', /takes none/],
    [`ipc:${'x'.repeat(5_000)}`, /at most 4096/],
  ];
  for (const [url, says] of REFUSALS) {
    it(`is refused, saying what to change: ${url.slice(0, 60)}`, () => {
      const { message } = refusal(url);
      expect(message).to.match(says);
      expect(message).not.to.contain(SECRET);
    });
  }

  it('never shows what it was given as a password, whatever that is', () => {
    const password = string({ unit: 'binary-ascii', minLength: 6 }).filter((text) =>
      /[a-z]{3}/i.test(text),
    );
    assert(
      property(password, constantFrom('xmpp', 'stomps', 'amqp', 'foo', 'ipc'), (secret, scheme) => {
        const url = `${scheme}://ann:zz${secret}zz@h/r@c`;
        try {
          parseBusUrl(url);
        } catch (error) {
          expect(String(error)).not.to.contain(`zz${secret}`);
          expect(String(error)).not.to.contain(`${secret}zz`);
          expect(error).to.be.instanceOf(TypeError).and.not.to.have.property('cause');
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads back every user name and password that was percent-encoded', () => {
    // A lone surrogate has no percent-encoding, and control characters are in no password.
    const text = string({ unit: 'binary', minLength: 1 }).filter((each) => !/\p{Cc}/u.test(each));
    assert(
      property(text, text, (username, password) => {
        const credentials = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
        const config = parseBusUrl(`amqp://${credentials}@h`);
        expect(config).to.include({ username, password });
      }),
    );
  });

  it('is shown without its password', () => {
    expect(showBusUrl(`xmpp://ann:${SECRET}@h:1/r@c`)).to.equal('xmpp://ann@h:1/r@c');
    expect(showBusUrl('ipc:shop')).to.equal('ipc:shop');
    expect(showBusUrl(`xmpp:ann:${SECRET}@h`)).not.to.contain(SECRET);
    expect(showBusUrl(`xmpp://ann:${SECRET}/x@h`)).not.to.contain(SECRET);
  });
});
