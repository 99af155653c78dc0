import { chmod, mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  busOf,
  ConfigurationError,
  loadConfiguration,
  type LoadConfigurationOptions,
} from '../../src/config/index.ts';
import { busConfigOf } from '../../src/config/configured-cluster.ts';

async function refusal(options: LoadConfigurationOptions): Promise<ConfigurationError> {
  try {
    await loadConfiguration({ env: {}, ...options });
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('it was read');
}

describe('the sources of a configuration', () => {
  const place = { folder: '' };

  beforeEach(async () => {
    place.folder = await mkdtemp(join(tmpdir(), 'unstale-config-'));
  });
  afterEach(async () => {
    await rm(place.folder, { recursive: true });
  });

  async function file(text: string, name = 'unstale.yaml'): Promise<string> {
    const path = join(place.folder, name);
    await writeFile(path, text);
    return path;
  }

  it('are YAML and JSON alike', async () => {
    const yaml = await file('cluster: shop\ntransport: ipc\nipc: { channel: a }\n');
    const json = await file('{"cluster":"shop","transport":"ipc","ipc":{"channel":"a"}}', 'c.json');
    const read = await loadConfiguration({ file: yaml, env: {} });
    expect(read.configuration).to.deep.equal(
      (await loadConfiguration({ file: json, env: {} })).configuration,
    );
  });

  it('win in the order object, environment, file, and what was overruled is told', async () => {
    const path = await file(
      'cluster: from-file\nlabel: from-file\nmaxStalenessMs: 1000\ntransport: ipc\n',
    );
    const { configuration, sources, overruled } = await loadConfiguration({
      file: path,
      env: { UNSTALE_CLUSTER: 'from-env', UNSTALE_LABEL: 'from-env' },
      object: { cluster: 'from-object' },
    });
    expect(configuration).to.deep.equal({
      cluster: 'from-object',
      label: 'from-env',
      maxStalenessMs: 1_000,
      transport: 'ipc',
    });
    expect(sources).to.include({
      cluster: 'object',
      label: 'UNSTALE_LABEL',
      transport: `file ${path}`,
    });
    expect(overruled).to.deep.equal([
      `cluster: UNSTALE_CLUSTER overrules file ${path}`,
      `label: UNSTALE_LABEL overrules file ${path}`,
      'cluster: object overrules UNSTALE_CLUSTER',
    ]);
  });

  it('name the bus in one of two ways, and the later source means its own', async () => {
    const path = await file('cluster: shop\ntransport: amqp\namqp: { exchange: e }\n');
    const env = { UNSTALE_BUS_URL: 'ipc:shop' };
    const { configuration, overruled } = await loadConfiguration({ file: path, env });
    expect(configuration).to.include({ bus: 'ipc:shop' }).and.not.have.property('transport');
    expect(overruled.join()).to.match(/transport: bus of UNSTALE_BUS_URL overrules file/);
    const object = { transport: 'memory' };
    const again = await loadConfiguration({ file: path, env, object });
    expect(again.configuration).to.include(object).and.not.have.property('bus');
  });

  it('are refused where one of them names the bus in both ways', async () => {
    const env = { UNSTALE_BUS_URL: 'ipc:', UNSTALE_TRANSPORT: 'memory', UNSTALE_CLUSTER: 'x' };
    expect((await refusal({ env })).message).to.match(/bus: leave it out where transport/);
  });

  it('lead to the file by UNSTALE_CONFIG', async () => {
    const env = { UNSTALE_CONFIG: await file('cluster: shop\ntransport: memory\n') };
    expect((await loadConfiguration({ env })).configuration.cluster).to.equal('shop');
  });

  it('change the transport by one variable, the password going to its section', async () => {
    const path = await file(
      'cluster: s\ntransport: xmpp\nxmpp: { service: "xmpp://h", room: r@c, username: u, password: p }\namqp: { exchange: e, username: u }\n',
    );
    const env = { UNSTALE_TRANSPORT: 'amqp', UNSTALE_PASSWORD: 'from-env' };
    const { configuration } = await loadConfiguration({ file: path, env });
    expect(busConfigOf(configuration, env)).to.deep.include({
      transport: 'amqp',
      exchange: 'e',
      password: 'from-env',
    });
    const without = { UNSTALE_TRANSPORT: 'memory', UNSTALE_PASSWORD: 'from-env' };
    const other = await loadConfiguration({ file: path, env: without });
    expect(busConfigOf(other.configuration, without)).to.deep.equal({
      transport: 'memory',
      channel: 'unstale',
    });
  });

  it('add the account to a bus URL that has none', async () => {
    const secret = join(place.folder, 'secret');
    await writeFile(secret, 'p@ss/word?#%\n');
    const env = {
      UNSTALE_CLUSTER: 'shop',
      UNSTALE_BUS_URL: 'xmpp://h/r@c',
      UNSTALE_USERNAME: 'ann',
      UNSTALE_PASSWORD_FILE: secret,
    };
    const { configuration } = await loadConfiguration({ env });
    expect(busConfigOf(configuration, env)).to.deep.include({
      username: 'ann',
      password: 'p@ss/word?#%',
    });
  });

  it('may call the variable of a secret as they like', async () => {
    const object = {
      cluster: 's',
      transport: 'amqp',
      amqp: { exchange: 'e', username: 'u', password: { env: 'UNSTALE_AMQP_SECRET' } },
    };
    const env = { UNSTALE_AMQP_SECRET: 'x' };
    const { configuration } = await loadConfiguration({ object, env });
    expect(busConfigOf(configuration, env)).to.include({ password: 'x' });
  });

  const VARIABLES: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ UNSTALE_CLUSTRE: 'x' }, /^environment: UNSTALE_CLUSTRE: unknown.*UNSTALE_CLUSTER\?/],
    [{ UNSTALE_BUSURL: 'x' }, /do you mean UNSTALE_BUS_URL\?/],
    [{ UNSTALE_MAX_STALENESS_MS: '30s' }, /UNSTALE_MAX_STALENESS_MS: expected a number/],
    [{ UNSTALE_MAX_STALENESS_MS: '-1' }, /expected a number/],
    [{ UNSTALE_MAX_STALENESS_MS: '' }, /expected a number/],
    [{ UNSTALE_UNIQUE_LABEL: 'yes' }, /UNSTALE_UNIQUE_LABEL: expected a "true" or "false"/],
    [{ UNSTALE_PASSWORD: 'a', UNSTALE_PASSWORD_FILE: 'b' }, /give one of the two/],
  ];
  for (const [env, says] of VARIABLES) {
    it(`refuse ${JSON.stringify(env)}`, async () => {
      const object = { cluster: 'x', transport: 'ipc' };
      expect((await refusal({ object, env })).message).to.match(says);
    });
  }

  const TEXTS: readonly (readonly [name: string, text: string, says: RegExp])[] = [
    ['an empty file', '', /must hold an object/],
    ['a list', '- a\n', /must hold an object/],
    ['text that is neither', '{"cluster": ', /cannot be read as JSON or YAML: \w+ at line 1/],
    ['a key that occurs twice', 'cluster: a\ncluster: b\n', /DUPLICATE_KEY at line 2/],
    ['a tag that makes code', 'cluster: !!js/function "x"\n', /TAG_RESOLVE_FAILED at line 1/],
    ['a tag of its own', 'cluster: !secret x\n', /TAG_RESOLVE_FAILED at line 1/],
    ['two documents', 'cluster: a\n---\ncluster: b\n', /MULTIPLE_DOCS/],
    [
      'aliases that grow without bound',
      `a: &a [x,x]\n${Array.from('bcdefghij')
        .map((n, i) => `${n}: &${n} [${`*${'abcdefghij'[i]},`.repeat(9)}]`)
        .join('\n')}\n`,
      /more aliases than a configuration needs/,
    ],
    ['binary', '\0\u0001\u0002', /cannot be read as|must hold/],
  ];
  for (const [name, text, says] of TEXTS) {
    it(`refuse ${name}, with the place and not the text`, async () => {
      const { message } = await refusal({ file: await file(text) });
      expect(message).to.match(says).and.to.contain(place.folder);
    });
  }

  it('may use aliases in moderation', async () => {
    const path = await file('cluster: &n shop\nlabel: *n\ntransport: ipc\n');
    const { configuration } = await loadConfiguration({ file: path, env: {} });
    expect(configuration).to.include({ cluster: 'shop', label: 'shop' });
  });

  it('refuse a file that is not there, a folder, and one of a gigabyte', async () => {
    expect((await refusal({ file: join(place.folder, 'no') })).message).to.match(
      /there is no such file/,
    );
    await mkdir(join(place.folder, 'd'));
    expect((await refusal({ file: join(place.folder, 'd') })).message).to.match(/it is a folder/);
    const large = await open(join(place.folder, 'large'), 'w');
    await large.truncate(2 ** 30);
    await large.close();
    expect((await refusal({ file: join(place.folder, 'large') })).message).to.match(/larger than/);
    // A device says that it has no bytes, and gives them without end.
    expect((await refusal({ file: '/dev/zero' })).message).to.match(/larger than/);
  });

  it('refuse a file that this user may not read', async function () {
    const path = await file('cluster: x\n');
    await chmod(path, 0);
    // The superuser may read everything, so another user tries.
    const uid = process.getuid?.();
    if (uid === 0) {
      await chmod(place.folder, 0o755);
      process.seteuid?.(65_534);
    }
    try {
      expect((await refusal({ file: path })).message).to.match(/this user may not read it/);
    } finally {
      if (uid === 0) process.seteuid?.(0);
    }
  });

  const SECRETS: readonly (readonly [name: string, at: string, says: RegExp])[] = [
    ['is not there', 'no', /amqp\.password: .* there is no such file/],
    ['is a folder', '.', /amqp\.password: .* it is a folder/],
    ['is empty', 'empty', /amqp\.password: .* is empty/],
    ['never ends', '/dev/zero', /amqp\.password: .* is larger than/],
  ];
  for (const [name, at, says] of SECRETS) {
    it(`refuse the file of a secret that ${name}`, async () => {
      await file('\n', 'empty');
      const where = at.startsWith('/') ? at : join(place.folder, at);
      const object = {
        cluster: 's',
        transport: 'amqp',
        amqp: { exchange: 'e', username: 'u', password: { file: where } },
      };
      const { configuration } = await loadConfiguration({ object, env: {} });
      const error: unknown = await busOf(configuration, {}).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(ConfigurationError);
      expect(String(error)).to.match(says);
    });
  }

  it('name the variable of a secret that is not set', async () => {
    const object = {
      cluster: 's',
      transport: 'amqp',
      amqp: { exchange: 'e', username: 'u', password: { env: 'NOT_SET' } },
    };
    const { configuration } = await loadConfiguration({ object, env: {} });
    const error: unknown = await busOf(configuration, {}).catch((reason: unknown) => reason);
    expect(String(error)).to.match(/amqp\.password: the variable NOT_SET is not set/);
  });
});
