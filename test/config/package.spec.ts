import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { freePort } from '../../brokers/free-port.ts';
import { runCommand } from '../../brokers/run-command.ts';
import { activemq } from '../support/brokers.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const INSTALL_MS = 300_000;

describe('the package, packed and installed into an empty project with one client library', function () {
  this.timeout(60_000);
  const place = { folder: '', project: '' };

  before(async function () {
    this.timeout(INSTALL_MS);
    place.folder = await mkdtemp(join(tmpdir(), 'unstale-package-'));
    place.project = join(place.folder, 'project');
    const source = join(place.folder, 'source');
    await mkdir(place.project);
    await mkdir(source);
    // Built beside the sources, so that nobody who works with dist/ is disturbed.
    const build = ['-p', 'tsconfig.build.json', '--outDir', join(source, 'dist')];
    await npm('npx', ['tsc', ...build], ROOT);
    for (const name of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'docs']) {
      await cp(join(ROOT, name), join(source, name), { recursive: true });
    }
    await npm('npm', ['pack', '--pack-destination', place.folder], source);
    const { version }: { version: string } = JSON.parse(
      await readFile(join(ROOT, 'package.json'), 'utf8'),
    );
    await writeFile(join(place.project, 'package.json'), '{"private":true,"type":"module"}');
    const stompit = await versionOf('stompit');
    const tarball = join(place.folder, `unstale-${version}.tgz`);
    const packages = [tarball, `stompit@${stompit}`];
    await npm(
      'npm',
      ['install', '--prefer-offline', '--no-audit', '--no-fund', ...packages],
      place.project,
    );
  });

  after(async () => {
    await rm(place.folder, { recursive: true, force: true });
  });

  /** Runs a module in the project; resolves with what it printed. */
  async function run(code: string): Promise<string> {
    return await runCommand(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: place.project,
      // What the test runner preloads is not installed there.
      env: { NODE_OPTIONS: '' },
    });
  }

  for (const entry of [
    'unstale',
    'unstale/config',
    'unstale/adapters/memory',
    'unstale/adapters/ipc',
  ]) {
    it(`imports ${entry}, which needs no client library`, async () => {
      expect(
        Number(await run(`console.log(Object.keys(await import('${entry}')).length)`)),
      ).to.be.above(0);
    });
  }

  it('joins a cluster over that library', async () => {
    const { url } = await activemq();
    const said = await run(`
      import { joinCluster } from 'unstale';
      import { loadBus, parseBusUrl } from 'unstale/config';
      const bus = await loadBus(parseBusUrl(${JSON.stringify(url)}));
      const cluster = await joinCluster({ name: 'packed', bus, lingerMs: 0 });
      const { by } = await cluster.invalidate({ keys: 'a' });
      console.log(by, cluster.status().bus);
      await cluster.close();`);
    expect(said).to.equal('bus open\n');
  });

  for (const [url, library] of [
    ['amqp://127.0.0.1:1/', 'amqplib'],
    ['xmpp://a:b@127.0.0.1:1/r@c', '@xmpp/client'],
  ] as const) {
    it(`says that ${library} is to be installed for ${url}`, async () => {
      const said = await run(`
        import { loadBus, parseBusUrl } from 'unstale/config';
        await loadBus(parseBusUrl('${url}')).catch((error) => console.log(error.message));`);
      expect(said).to.contain(`install it with: npm install ${library}\n`);
    });
  }

  it('does what docs/getting-started.md promises, typed as it stands there', async () => {
    const page = await readFile(join(ROOT, 'docs', 'getting-started.md'), 'utf8');
    const code = /`server\.mjs`:\n\n```js\n([\s\S]+?)```/.exec(page)?.[1] ?? '';
    await writeFile(join(place.project, 'server.mjs'), code);
    await mkdir(join(place.project, 'pages'));
    await writeFile(join(place.project, 'pages', 'home'), 'one\n');
    const ports = [await freePort(), await freePort()];
    const servers = ports.map((port) =>
      spawn(process.execPath, ['server.mjs', String(port)], {
        cwd: place.project,
        stdio: 'inherit',
        env: { ...process.env, NODE_OPTIONS: '' },
      }),
    );
    const ended = servers.map((server) => once(server, 'close'));
    try {
      const [here, there] = ports.map((port) => `http://127.0.0.1:${port}/home`);
      expect([await answer(here), await answer(there)]).to.deep.equal(['one\n', 'one\n']);
      await fetch(here ?? '', { method: 'PUT', body: 'two' });
      const deadline = performance.now() + 2_000;
      let text = await answer(there);
      while (text !== 'two' && performance.now() < deadline) text = await answer(there);
      expect(text).to.equal('two');
    } finally {
      for (const server of servers) server.kill();
      await Promise.all(ended);
    }
    // They left; nobody had to end them by force.
    expect(servers.map(({ exitCode }) => exitCode)).to.deep.equal([0, 0]);
  });

  it('brings the command, which says the same', async () => {
    const bin = join(place.project, 'node_modules', '.bin', 'unstale');
    expect(await runCommand(bin, ['--version'], { env: { NODE_OPTIONS: '' } })).to.match(
      /^\d+\.\d+\.\d+/,
    );
    const failure: unknown = await runCommand(
      bin,
      ['invalidate', '--bus', 'amqp://127.0.0.1:1/', 'a'],
      {
        env: { NODE_OPTIONS: '' },
      },
    ).catch((error: unknown) => error);
    expect(String(failure))
      .to.match(/ended with 2/)
      .and.to.contain('npm install amqplib');
  });
});

async function npm(command: string, args: readonly string[], cwd: string): Promise<string> {
  return await runCommand(command, args, { cwd, timeoutMs: INSTALL_MS });
}

async function versionOf(name: string): Promise<string> {
  const file = join(ROOT, 'node_modules', name, 'package.json');
  const { version }: { version: string } = JSON.parse(await readFile(file, 'utf8'));
  return version;
}

const TRIES = 100;

/** What a server answers, as soon as it listens. */
async function answer(url = ''): Promise<string> {
  let problem: unknown;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    try {
      return await (await fetch(url)).text();
    } catch (error) {
      problem = error;
      await new Promise((resolve) => {
        setTimeout(resolve, 100);
      });
    }
  }
  throw new Error(`${url} does not answer`, { cause: problem });
}
