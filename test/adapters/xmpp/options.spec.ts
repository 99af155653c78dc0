import { expect } from 'chai';
import { xmppBus, type XmppBusOptions } from '../../../adapters/xmpp/index.ts';
import { resolveOptions } from '../../../adapters/xmpp/xmpp-options.ts';

const GOOD: XmppBusOptions = {
  service: 'xmpp://chat.example.com',
  room: 'cache@conference.example.com',
  username: 'node',
  password: 'the-secret',
};

const WRONG: readonly (readonly [option: RegExp, wrong: Readonly<Record<string, unknown>>])[] = [
  [/^service/, { service: undefined }],
  [/^service/, { service: '' }],
  [/^service/, { service: 'chat.example.com' }],
  [/^service/, { service: 'http://chat.example.com' }],
  [/^service/, { service: 'xmpp://' }],
  [/^service/, { service: 'xmpp://chat.example.com:99999' }],
  [/^service.*username/, { service: 'xmpp://node:the-secret@chat.example.com' }],
  [/^hosts/, { hosts: [] }],
  [/^hosts/, { hosts: 'chat.example.com' }],
  [/^hosts/, { hosts: ['xmpp://chat.example.com'] }],
  [/^hosts/, { hosts: ['chat.example.com/path'] }],
  [/^hosts/, { hosts: [5222] }],
  [/^domain/, { domain: '' }],
  [/^domain/, { domain: 'node@example.com' }],
  [/^room/, { room: undefined }],
  [/^room/, { room: 'cache' }],
  [/^room/, { room: '@conference.example.com' }],
  [/^room/, { room: 'cache@' }],
  [/^room.*nickname/, { room: 'cache@conference.example.com/nick' }],
  [/^room/, { room: ' cache@conference.example.com' }],
  [/^room/, { room: 'ca\u0000che@conference.example.com' }],
  [/^room/, { room: 'ca\uD800che@conference.example.com' }],
  [/^room has 1198 bytes/, { room: `${' x'.repeat(300).trim()}x@conference.example.com` }],
  [/^room/, { room: 42 }],
  [/^username/, { username: undefined }],
  [/^username/, { username: 'node@example.com' }],
  [/^username/, { username: 'a node' }],
  [/^password/, { password: undefined }],
  [/^password/, { password: '' }],
  [/^label/, { label: '   ' }],
  [/^label/, { label: 'x'.repeat(201) }],
  [/^roomPassword/, { roomPassword: 42 }],
  [/^maxFrameBytes/, { maxFrameBytes: 0 }],
  [/^maxFrameBytes/, { maxFrameBytes: 1e9 }],
  [/^maxFrameBytes/, { maxFrameBytes: 2_000.5 }],
  [/^requestAckIntervalMs/, { requestAckIntervalMs: 0 }],
  [/^ackTimeoutMs/, { ackTimeoutMs: Number.NaN }],
  [/^selfPingAfterMs/, { selfPingAfterMs: -1 }],
  [/^selfPingAfterMs/, { selfPingAfterMs: 2 ** 31 }],
  [/^tuning\.attachTimeoutMs/, { tuning: { attachTimeoutMs: 0 } }],
  [/^tls/, { tls: true }],
  [/^tls\.cert and tls\.key/, { tls: { cert: 'x' } }],
  [/PEM/, { tls: { ca: 'no certificate', cert: 'the-secret', key: 'the-secret' } }],
  [/^tls\.acceptAnyCertificate/, { tls: { acceptAnyCertificate: 'yes' } }],
  [/^tls\.servername/, { tls: { servername: '' } }],
];

describe('XMPP: options', () => {
  for (const [message, wrong] of WRONG) {
    it(`are refused by name: ${JSON.stringify(wrong).slice(0, 80)}`, () => {
      const options = { ...GOOD, ...wrong };
      const make = (): unknown => Reflect.apply(xmppBus, undefined, [options]);
      expect(make).to.throw(TypeError, message);
      expect(make).to.throw().with.property('message').that.does.not.include('the-secret');
    });
  }

  it('are refused where there are none', () => {
    expect(() => Reflect.apply(xmppBus, undefined, [])).to.throw(TypeError, /object of options/);
  });

  it('make a bus without touching the network', () => {
    const bus = xmppBus(GOOD);
    expect(bus.state).to.equal('idle');
    expect(bus.capabilities).to.deep.equal({
      ordering: 'total',
      resumption: true,
      maxFrameBytes: 8_192,
    });
  });

  it('give the account the domain of the service, or of the room where that is an IP address', () => {
    expect(domainOf({})).to.equal('chat.example.com');
    expect(domainOf({ service: 'xmpp://127.0.0.1:5222' })).to.equal('example.com');
    expect(domainOf({ service: 'xmpp://[::1]:5222' })).to.equal('example.com');
    expect(domainOf({ domain: 'Example.ORG' })).to.equal('example.org');
  });

  it('hold a room by any name, escaped as XEP-0106 tells', () => {
    expect(roomOf('My Cache/1@Conference.example.com')).to.equal(
      String.raw`my\20cache\2f1@conference.example.com`,
    );
    expect(roomOf('a@b@c.example')).to.equal(String.raw`a\40b@c.example`);
    expect(roomOf('e\u0301@c.example')).to.equal('\u00E9@c.example');
  });

  it('hold addresses with the port of the service, or the one that is the custom', () => {
    expect(endpointsOf({})).to.deep.equal(['chat.example.com xmpp://chat.example.com:5222']);
    expect(endpointsOf({ service: 'xmpps://x.example' })).to.deep.equal([
      'x.example xmpps://x.example:5223',
    ]);
    expect(
      endpointsOf({ service: 'wss://x.example/xmpp', hosts: ['a.example:1', '[::1]', '10.0.0.1'] }),
    ).to.deep.equal([
      'a.example wss://a.example:1/xmpp',
      '::1 wss://[::1]:443/xmpp',
      '10.0.0.1 wss://10.0.0.1:443/xmpp',
    ]);
  });
});

function domainOf(options: Partial<XmppBusOptions>): string {
  return resolveOptions({ ...GOOD, ...options }).domain;
}

function roomOf(room: string): string {
  return resolveOptions({ ...GOOD, room }).room;
}

function endpointsOf(options: Partial<XmppBusOptions>): string[] {
  return resolveOptions({ ...GOOD, ...options }).endpoints.map(({ url, host }) => `${host} ${url}`);
}
