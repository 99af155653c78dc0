import { expect } from 'chai';

import { amqpBus, exchangeFor } from '../../../adapters/amqp/index.ts';
import { resolveOptions } from '../../../adapters/amqp/amqp-options.ts';

describe('the options of the amqp bus', () => {
  it('need no more than an exchange', () => {
    const settings = resolveOptions({ exchange: 'shop' });
    expect(settings).to.deep.include({
      exchange: 'shop',
      endpoints: [{ host: 'localhost', port: 5672 }],
      vhost: '/',
      heartbeatSeconds: 10,
      tls: undefined,
    });
    expect(amqpBus({ exchange: 'shop' }).capabilities).to.deep.equal({
      ordering: 'publisher',
      resumption: false,
      maxFrameBytes: 65_536,
      framesInFlight: 256,
    });
  });

  it('take the port of TLS with TLS, and then verify certificates', () => {
    const { endpoints, tls } = resolveOptions({ exchange: 'shop', tls: {} });
    expect(endpoints).to.deep.equal([{ host: 'localhost', port: 5671 }]);
    expect(tls).to.deep.equal({ rejectUnauthorized: true });
  });

  it('take several addresses, each with a port of its own or the common one', () => {
    const hosts = ['a.example', 'b.example:1234', '[::1]:7', '192.0.2.1'];
    expect(resolveOptions({ exchange: 'shop', port: 99, hosts }).endpoints).to.deep.equal([
      { host: 'a.example', port: 99 },
      { host: 'b.example', port: 1234 },
      { host: '::1', port: 7 },
      { host: '192.0.2.1', port: 99 },
    ]);
  });

  it('round the heart-beat up to the whole seconds of AMQP', () => {
    expect(resolveOptions({ exchange: 'shop', heartbeatMs: 1_200 }).heartbeatSeconds).to.equal(2);
  });

  for (const [name, options] of [
    ['exchange', { exchange: '' }],
    ['exchange', { exchange: JSON.parse('7') }],
    ['host', { host: '' }],
    ['port', { port: 0 }],
    ['port', { port: 65_536 }],
    ['hosts', { hosts: [] }],
    ['hosts', { hosts: ['a b'] }],
    ['hosts', { hosts: ['user:secret@host'] }],
    ['hosts', { hosts: ['host/path'] }],
    ['hosts', { hosts: JSON.parse('"host"') }],
    ['vhost', { vhost: '' }],
    ['username', { username: '' }],
    ['password', { password: '' }],
    ['heartbeatMs', { heartbeatMs: 0 }],
    ['heartbeatMs', { heartbeatMs: 65_535_001 }],
    ['prefetch', { prefetch: 65_536 }],
    ['maxQueueLength', { maxQueueLength: 1.5 }],
    ['maxQueueBytes', { maxQueueBytes: -1 }],
    ['echoTimeoutMs', { echoTimeoutMs: Number.POSITIVE_INFINITY }],
    ['maxFrameBytes', { maxFrameBytes: 1_048_577 }],
    ['tls', { tls: JSON.parse('true') }],
    ['tls.cert', { tls: { cert: 'x' } }],
    ['tls.ca', { tls: { ca: 'x', cert: 'x', key: 'x' } }],
    ['tls.servername', { tls: { servername: '' } }],
    ['tls.acceptAnyCertificate', { tls: { acceptAnyCertificate: JSON.parse('"no"') } }],
    ['tuning.attachTimeoutMs', { tuning: { attachTimeoutMs: 0 } }],
  ] as const) {
    it(`are refused with the name of the wrong one: ${JSON.stringify(options)}`, () => {
      expect(() => amqpBus({ exchange: 'shop', ...options })).to.throw(TypeError, name);
    });
  }

  it('never show the key when it is refused', () => {
    const key = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----';
    const make = () => amqpBus({ exchange: 'shop', tls: { cert: 'x', key } });
    expect(make).to.throw(TypeError, /PEM(?!.*c2VjcmV0)/s);
  });
});

describe('the exchange of a channel', () => {
  it('is called as the channel, where that is a name that a broker keeps as it is', () => {
    for (const name of ['shop', 'a b/c#d.*', 'x'.repeat(200), 'amq.fanout']) {
      expect(exchangeFor(name)).to.equal(name);
    }
  });

  it('is made from a hash otherwise: one name of its own for each', () => {
    const odd = [
      'é',
      'e\u0301',
      'a\nb',
      'ab\n',
      'x'.repeat(201),
      '\ud800',
      '\ud801',
      '🙂'.repeat(99),
    ];
    const names = odd.map((channel) => exchangeFor(channel));
    expect(new Set(names).size).to.equal(odd.length);
    for (const name of names) expect(name).to.match(/^unstale\.[0-9a-f]{32}$/);
  });
});
