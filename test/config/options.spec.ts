import { expect } from 'chai';
import {
  ConfigurationError,
  configurationJsonSchema,
  parseConfiguration,
} from '../../src/config/index.ts';

/** Every option once, each with a value that is right. */
const EVERYTHING = {
  cluster: 'shop',
  label: 'web-1',
  maxStalenessMs: 30_000,
  forgetAfterMs: 120_000,
  expectedNodes: 3,
  uniqueLabel: true,
  strict: false,
  guardMaxMs: 10_000,
  onGuardTimeout: 'hold',
  foreign: 'accept',
  lingerMs: 0,
  shards: 4,
  transport: 'xmpp',
  memory: { channel: 'shop' },
  ipc: { channel: 'shop', folder: '/run/shop' },
  xmpp: {
    service: 'xmpp://chat.example.com',
    hosts: ['10.0.0.1:5222'],
    domain: 'example.com',
    room: 'cache@conference.example.com',
    username: 'shop',
    password: { env: 'CHAT_PASSWORD' },
    roomPassword: { file: '/run/secrets/room' },
    tls: {
      ca: 'ca.pem',
      cert: 'c.pem',
      key: 'k.pem',
      servername: 'x',
      acceptAnyCertificate: false,
    },
    maxFrameBytes: 8_192,
    requestAckIntervalMs: 5_000,
    ackTimeoutMs: 10_000,
    selfPingAfterMs: 10_000,
  },
  stomp: {
    host: 'h',
    port: 61_613,
    hosts: ['a', 'b:1'],
    vhost: '/',
    username: 'shop',
    password: 'p',
    topic: 'cache',
    tls: {},
    heartbeatMs: 10_000,
    prefetch: 500,
    maxFrameBytes: 8_192,
  },
  amqp: {
    host: 'h',
    port: 5_672,
    hosts: ['a'],
    vhost: '/',
    username: 'shop',
    password: 'p',
    exchange: 'cache',
    tls: {},
    heartbeatMs: 10_000,
    prefetch: 500,
    maxQueueLength: 10_000,
    maxFrameBytes: 8_192,
  },
  caches: {
    articles: {
      maxEntries: 1_000,
      ttlMs: 1_000,
      negativeTtlMs: 1_000,
      ttlJitter: 0.1,
      maxTtlMs: 1_000,
      loadTimeoutMs: 1_000,
      refreshAheadMs: 100,
      serveStaleOnErrorMs: 100,
      settleMs: 100,
      onUnproven: 'ttl',
    },
  },
} as const;

type Plain = Record<string, unknown>;

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The path of every option, with the sections and without the places of secrets. */
function pathsOf(section: Plain, path: readonly string[] = []): string[][] {
  return Object.entries(section).flatMap(([name, value]) => {
    const here = [...path, name];
    const isSection = isPlain(value) && !('env' in value) && !('file' in value);
    return isSection && Object.keys(value).length > 0 ? pathsOf(value, here) : [here];
  });
}

/** A copy of everything in which `change` was made to the section that has the last step of `path`. */
function changed(path: readonly string[], change: (section: Plain, name: string) => void): unknown {
  const copy: Plain = structuredClone(EVERYTHING);
  let section: Plain = copy;
  for (const step of path.slice(0, -1)) {
    const inner = section[step];
    if (isPlain(inner)) section = inner;
  }
  change(section, path.at(-1) ?? '');
  return copy;
}

function findingsOf(raw: unknown): readonly string[] {
  try {
    parseConfiguration(raw);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.findings;
    throw error;
  }
  return [];
}

const PATHS = pathsOf(structuredClone(EVERYTHING));
/** Numbers, and what is too little for each. Those with a bound above as well. */
const NUMBERS = PATHS.filter((path) => typeof valueAt(path) === 'number');
const BOUNDED_ABOVE = new Map<string, number>([
  ['shards', 65],
  ['stomp.port', 65_536],
  ['amqp.port', 65_536],
  ['caches.articles.ttlJitter', 1.01],
]);

function valueAt(path: readonly string[]): unknown {
  let value: unknown = EVERYTHING;
  for (const step of path) value = isPlain(value) ? value[step] : undefined;
  return value;
}

describe('the options of a configuration', () => {
  it('are all accepted where they are right', () => {
    expect(parseConfiguration(EVERYTHING)).to.deep.equal(EVERYTHING);
  });

  it('are all of them tried here', () => {
    const tried = new Set(PATHS.map((path) => path.join('.')));
    for (const path of optionPaths(configurationJsonSchema())) {
      const known =
        ['$schema', 'bus', 'username', 'password'].includes(path) || /\.tls\./.test(path);
      if (!known) expect([...tried], path).to.include(path);
    }
  });

  for (const path of PATHS) {
    const dotted = path.join('.');

    it(`${dotted}, misspelt, is named with the right spelling`, () => {
      const name = path.at(-1) ?? '';
      const misspelt = `${name.slice(0, -1)}${name.slice(-1).toUpperCase()}q`;
      const findings = findingsOf(
        changed(path, (section) => {
          section[misspelt] = section[name];
        }),
      );
      const at = [...path.slice(0, -1), misspelt].join('.');
      expect(findings).to.deep.equal([`${at}: unknown option; do you mean ${name}?`]);
    });

    it(`${dotted} of the wrong type is named with what was expected`, () => {
      for (const wrong of [null, Symbol('x'), [[]], { x: 1 }, () => 1]) {
        const findings = findingsOf(
          changed(path, (section, name) => {
            section[name] = wrong;
          }),
        );
        expect(findings.join('\n'))
          .to.contain(dotted)
          .and.match(/expected|missing|unknown/i);
      }
    });
  }

  for (const path of NUMBERS) {
    const dotted = path.join('.');

    it(`${dotted} out of range is named with its bound`, () => {
      const above = BOUNDED_ABOVE.get(dotted);
      const wrong = [
        -1,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        ...(above === undefined ? [] : [above]),
      ];
      for (const value of wrong) {
        const findings = findingsOf(
          changed(path, (section, name) => {
            section[name] = value;
          }),
        );
        expect(findings, String(value)).to.have.lengthOf(1);
        expect(findings[0]).to.match(new RegExp(`^${dotted}: .*expected`));
      }
    });
  }

  it('are named all at once, not one a run', () => {
    const findings = findingsOf({ cluster: 7, transport: 'smtp', colour: 'red' });
    expect(findings).to.have.lengthOf(3);
    expect(findings.join('\n')).to.match(/cluster: expected string/);
    expect(findings.join('\n')).to.match(/transport: .*"xmpp"/);
  });

  it('of a bus URL are checked with the rest', () => {
    expect(findingsOf({ cluster: 'shop', bus: 'amqp://' })[0]).to.match(
      /^bus: .*(host|cannot be read)/,
    );
    expect(findingsOf({ cluster: 'shop', bus: 'amqp://a b/' })[0]).to.match(/^bus: .*host/);
  });

  it('do without a password in the bus URL, where it is given elsewhere', () => {
    const bus = 'xmpp://ann@h/r@c';
    expect(findingsOf({ cluster: 'shop', bus })[0]).to.match(/no password.*UNSTALE_PASSWORD/);
    expect(findingsOf({ cluster: 'shop', bus, password: { env: 'X' } })).to.deep.equal([]);
  });

  it('must choose a bus, one, and have its section', () => {
    expect(findingsOf({ cluster: 'shop' })[0]).to.match(/^transport: say which bus/);
    expect(findingsOf({ cluster: 'shop', bus: 'ipc:', transport: 'ipc' })[0]).to.match(
      /^bus: leave/,
    );
    expect(findingsOf({ cluster: 'shop', transport: 'amqp' })[0]).to.match(/^amqp: the section/);
    expect(findingsOf({ cluster: 'shop', transport: 'ipc', password: 'p' })[0]).to.match(
      /^password:/,
    );
  });

  for (const raw of [undefined, null, 7, 'text', [], () => 1]) {
    it(`are no options at all as ${typeof raw} ${JSON.stringify(raw)}, which is said`, () => {
      expect(findingsOf(raw)[0]).to.match(/^the whole: expected object/);
    });
  }

  it('called __proto__ or constructor are unknown like any other', () => {
    const raw: unknown = JSON.parse(
      '{"cluster":"x","transport":"ipc","__proto__":{"a":1},"constructor":1}',
    );
    expect(findingsOf(raw).join('\n')).to.match(/unknown option/);
    expect({}).not.to.have.property('a');
  });

  it('that are a name and its value in one word are not shown', () => {
    const raw = {
      cluster: 'x',
      transport: 'amqp',
      amqp: { exchange: 'e', 'password:hunter22': null },
    };
    const [finding] = findingsOf(raw);
    expect(finding)
      .to.match(/^amqp: .*space/)
      .and.not.contain('hunter22');
  });
});

function optionPaths(node: unknown, path = ''): string[] {
  if (!isPlain(node)) return [];
  const inner = isPlain(node['properties']) ? Object.entries(node['properties']) : [];
  // The one cache above is called so.
  if (isPlain(node['additionalProperties'])) inner.push(['articles', node['additionalProperties']]);
  return inner.flatMap(([name, child]) => {
    const here = path === '' ? name : `${path}.${name}`;
    const below = optionPaths(child, here);
    return below.length === 0 ? [here] : below;
  });
}
