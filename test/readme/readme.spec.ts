import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import type { InvalidationBus } from 'unstale';
import { parseBusUrl } from '../../src/config/bus-url.ts';
import { loadBus } from '../../src/config/load-bus.ts';

const ROOT = new URL('../../', import.meta.url);

/** A URL for each adapter; nobody has to listen there, because making a bus does no I/O. */
const URLS: Readonly<Record<string, string>> = {
  memory: 'memory:',
  ipc: 'ipc:',
  xmpp: 'xmpp://ann:secret@127.0.0.1/cache@conference.localhost',
  stomp: 'stomp://ann:secret@127.0.0.1/cache',
  amqp: 'amqp://ann:secret@127.0.0.1',
};

const ORDERINGS: Readonly<Record<InvalidationBus['capabilities']['ordering'], string>> = {
  none: 'none',
  publisher: "each publisher's",
  total: 'total',
};

async function text(path: string): Promise<string> {
  return await readFile(new URL(path, ROOT), 'utf8');
}

/** The rows of the adapter matrix, by the adapter's name. */
async function matrix(): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = [...(await text('README.md')).matchAll(/^\|.*`unstale\/adapters\/(\w+)`.*\|$/gm)];
  return new Map(
    rows.map(([row, name = '']) => [
      name,
      row
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, -1),
    ]),
  );
}

describe('the README', () => {
  it('says in its first sentence what this is, and then what it is not', async () => {
    const [, first = '', second = ''] = (await text('README.md')).split('\n\n');
    expect(first).to.match(/^`unstale` keeps the local caches .* coherent/);
    expect(second).to.match(/^It is \*\*not\*\*/);
  });

  it('names the two commands, and both exist', async () => {
    const readme = await text('README.md');
    const manifest = JSON.parse(await text('package.json'));
    for (const [command, script] of [
      ['npm ci && npm run demo', 'demo'],
      ['npm ci && npm test', 'test'],
    ] as const) {
      expect(readme).to.contain(`\`\`\`sh\n${command}\n\`\`\``);
      expect(manifest.scripts).to.have.property(script);
    }
  });

  it('links to pages that are there', async () => {
    const links = [...(await text('README.md')).matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(
      ([, target = '']) => target,
    );
    const local = links.filter((target) => !target.startsWith('https:'));
    expect(local).to.have.length.greaterThan(5);
    expect(local.filter((target) => !existsSync(new URL(target, ROOT)))).to.deep.equal([]);
  });

  it('has a row in its matrix for every adapter that the package exports', async () => {
    const { exports } = JSON.parse(await text('package.json'));
    const exported = Object.keys(exports)
      .filter((path) => path.startsWith('./adapters/'))
      .map((path) => path.slice('./adapters/'.length));
    expect([...(await matrix()).keys()]).to.have.members(exported);
    expect(Object.keys(URLS)).to.have.members(exported);
  });

  for (const [name, url] of Object.entries(URLS)) {
    it(`says of the ${name} adapter what its capabilities say, and which client library it needs`, async () => {
      const { ordering, resumption } = (await loadBus(parseBusUrl(url))).capabilities;
      const [, , library = '', order, resumes = ''] = (await matrix()).get(name) ?? [];
      expect(order).to.equal(ORDERINGS[ordering]);
      expect(resumes).to.match(resumption ? /^yes/ : /^no/);
      const packages = [...library.matchAll(/`([^`]+)`/g)].map(([, each = '']) => each);
      const manifest = JSON.parse(await text('package.json'));
      for (const each of packages) expect(manifest.peerDependenciesMeta).to.have.property(each);
      expect(packages.length === 0).to.equal(library === 'none');
    });
  }
});
