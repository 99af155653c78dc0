import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runCommand } from './command-run.ts';
import { childrenOf, DemoRun, hubAmong, isAlive, survivors } from './demo-run.ts';

const MODE_FIELDS = [
  'reads',
  'errors',
  'hitRatio',
  'readP50Ms',
  'readP99Ms',
  'originLoads',
  'staleReads',
  'worstStalenessMs',
];

describe('unstale demo', function () {
  this.timeout(120_000);
  const runs: DemoRun[] = [];
  const folders: string[] = [];
  let temporary = '';

  beforeEach(async () => {
    temporary = await mkdtemp(join(tmpdir(), 'unstale-test-'));
    folders.push(temporary);
  });

  function start(...args: string[]): DemoRun {
    // A temporary folder of its own shows what is left in it, whatever other demos do meanwhile.
    const run = new DemoRun(args, { TMPDIR: temporary });
    runs.push(run);
    return run;
  }

  async function smallFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'unstale-test-'));
    folders.push(folder);
    for (let index = 0; index < 40; index += 1) {
      await writeFile(join(folder, `article:${index}`), `text ${index}\n`);
    }
    return folder;
  }

  afterEach(async () => {
    for (const run of runs.splice(0)) {
      await run.kill();
      expect(await survivors(run.announced, 5_000)).to.deep.equal([]);
    }
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  });

  it('prints one JSON document alone on standard output, with the promised fields and the promised figures, and leaves the folder as it was', async () => {
    const folder = await smallFolder();
    const before = await contentsOf(folder);
    const run = start('--seconds', '2', '--writes', '10', '--resources', folder, '--json');
    const { code, stdout } = await run.result();
    expect(code).to.equal(0);
    const result = JSON.parse(stdout);
    expect(result).to.have.all.keys('bus', 'nodes', 'seconds', 'modes');
    expect(result).to.include({ bus: 'ipc:', nodes: 3, seconds: 2 });
    const { none, ttl, unstale } = result.modes;
    expect(result.modes).to.have.all.keys('none', 'ttl', 'unstale');
    expect(none).to.have.all.keys(MODE_FIELDS);
    expect(ttl).to.have.all.keys(MODE_FIELDS);
    expect(unstale).to.have.all.keys(...MODE_FIELDS, 'propagationP50Ms', 'propagationP99Ms');
    for (const mode of [none, ttl, unstale])
      expect(mode).to.include({ errors: 0, reads: none.reads });
    expect(none.reads).to.be.within(450, 750);
    expect(none).to.include({ hitRatio: 0, originLoads: none.reads, staleReads: 0 });
    expect(none.readP50Ms).to.be.greaterThan(60);
    // Nothing expires within two seconds, so whatever was saved elsewhere stays until the end.
    expect(ttl.staleReads).to.be.greaterThan(0);
    expect(ttl.worstStalenessMs).to.be.greaterThan(500);
    // Both were measured in one run, on the same machine: the figures for people are in the README.
    expect(unstale.worstStalenessMs).to.be.lessThan(ttl.worstStalenessMs / 2);
    expect(unstale.hitRatio).to.be.greaterThan(0.5);
    expect(unstale.propagationP50Ms).to.be.greaterThan(0);
    expect(unstale.propagationP99Ms).to.be.at.least(unstale.propagationP50Ms);
    expect(await contentsOf(folder)).to.deep.equal(before);
  });

  it('ends with a table that a person can read, and names what each column and row is', async () => {
    const folder = await smallFolder();
    const run = start('--seconds', '0.5', '--ttl', '3', '--bus', 'memory:', '--resources', folder);
    const { code, stdout, stderr } = await run.result();
    expect(code).to.equal(0);
    expect(stdout).to.match(/no cache.*TTL 3 s.*unstale/);
    for (const row of [
      'reads',
      'errors',
      'hit ratio',
      'read p50',
      'read p99',
      'loads from the origin',
      'stale reads',
      'worst staleness',
      'propagation p50',
      'propagation p99',
    ]) {
      expect(stdout).to.match(new RegExp(`^│ ${row} +│`, 'm'));
    }
    expect(stdout).not.to.contain('\u001b');
    expect(stderr).to.contain('A memory bus does not reach beyond its process');
    expect(new Set(run.announced)).to.have.property('size', 6);
  });

  it('gives each server a process of its own, and serves what the folder holds', async () => {
    const folder = await smallFolder();
    const run = start('--seconds', '2', '--nodes', '2', '--resources', folder);
    const places = await run.processes('none', 2);
    expect(places.map(({ name }) => name)).to.deep.equal(['origin', 'server-1', 'server-2']);
    expect(new Set(places.map(({ pid }) => pid))).to.have.property('size', 3);
    for (const { base } of places) {
      const answer = await fetch(`${base}/article%3A7`);
      expect(await answer.text()).to.equal('text 7\n');
      expect((await fetch(`${base}/missing`)).status).to.equal(404);
      expect((await fetch(`${base}/`)).status).to.equal(404);
      expect((await fetch(`${base}/%zz`)).status).to.equal(400);
      expect((await fetch(base, { method: 'DELETE' })).status).to.be.within(400, 499);
    }
  });

  for (const mode of ['none', 'unstale'] as const) {
    it(`leaves no process behind when it is interrupted while it measures: ${mode}`, async () => {
      const folder = await smallFolder();
      const run = start('--seconds', mode === 'none' ? '60' : '0.5', '--resources', folder);
      await run.processes(mode, 3);
      const children = childrenOf(run.pid);
      run.signal('SIGINT');
      const { code, stdout } = await run.result();
      expect(code).to.equal(130);
      expect(stdout).to.equal('');
      expect(children.length).to.be.greaterThanOrEqual(4);
      expect([...children, ...run.announced].filter(isAlive)).to.deep.equal([]);
      expect(await leftIn(temporary)).to.deep.equal([]);
    });
  }

  it('leaves no process behind when it is interrupted while it starts them, and takes SIGTERM as well', async () => {
    const run = start('--resources', await smallFolder());
    await run.untilSaid(/An origin serves/);
    const children = await forked(run);
    run.signal('SIGTERM');
    expect((await run.result()).code).to.equal(143);
    expect(children.filter(isAlive)).to.deep.equal([]);
  });

  it('leaves no process behind when it is killed itself', async () => {
    const run = start('--seconds', '60', '--resources', await smallFolder());
    await run.processes('none', 3);
    const children = childrenOf(run.pid);
    await run.kill();
    expect(await survivors(children, 5_000)).to.deep.equal([]);
    expect(await leftIn(temporary)).to.deep.equal([]);
  });

  it('is attached again within 2 s when the process with the hub is killed, and says that it may have missed something', async () => {
    const run = start('--seconds', '3', '--nodes', '3', '--resources', await smallFolder());
    // The modes before it are of no interest here, but they come first.
    const places = await run.processes('unstale', 3);
    const servers = places.slice(1);
    const hub = hubAmong(servers.map(({ pid }) => pid));
    expect(hub, 'the hub is one of the servers').to.be.a('number');
    const killedMs = performance.now();
    process.kill(Number(hub), 'SIGKILL');
    for (const { name, pid } of servers) {
      if (pid !== hub) await run.untilSaid(new RegExp(`${name}: bus resumed, loss possible`));
    }
    expect(performance.now() - killedMs).to.be.lessThan(2_000);
    const { code, stderr } = await run.result();
    expect(code).to.equal(0);
    expect(stderr).to.match(new RegExp(`process ${String(hub)}\\) ended by SIGKILL`));
    expect(stderr).to.match(/errors: \d+ × reading: /);
  });

  it('says what to do when its port is in use', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const address = blocker.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { code, stdout, stderr } = await start('--port', String(port)).result();
    blocker.close();
    expect(code).to.equal(1);
    expect(stdout).to.equal('');
    expect(stderr).to.match(
      new RegExp(`error: port ${port} is in use; choose another with --port\n$`),
    );
  });

  it('ends quietly when its reader has left', async () => {
    const run = start('--seconds', '0.5', '--resources', await smallFolder());
    run.closeStdout();
    const { code, stderr } = await run.result();
    expect(code).to.equal(0);
    expect(stderr).not.to.match(/EPIPE|^error:/m);
  });

  for (const [what, args, says, exitCode] of [
    [
      'a bus where nobody listens',
      ['--bus', 'xmpp://ann:s3cr3t@127.0.0.1:1/r@conference.localhost'],
      /127\.0\.0\.1:1.*BUS_UNREACHABLE/,
      1,
    ],
    ['a folder that is not there', ['--resources', '/nowhere'], /there is no folder \/nowhere/, 2],
    ['a file instead of a folder', ['--resources', '/etc/hostname'], /is a file/, 2],
    [
      'a bus of an unknown kind',
      ['--bus', 'redis://ann:s3cr3t@h'],
      /begins with one of memory:/,
      2,
    ],
    ['a bus URL with a hole in it', ['--bus', 'xmpp://ann:s3cr3t@h'], /no room/, 2],
    [
      'a user name that no address can hold',
      ['--bus', 'xmpp://a%20b:s3cr3t@h/r@c.h'],
      /username/,
      2,
    ],
    ['more servers than there are ports', ['--port', '65535'], /leaves no room/, 2],
    ['no server at all', ['--nodes', '0'], /whole number from 1 to 32/, 2],
    ['half a server', ['--nodes', '1.5'], /whole number/, 2],
    ['a rate that is no number', ['--rate', 'fast'], /number from 1 to 10000/, 2],
    ['a time that runs backwards', ['--seconds=-1'], /number from 0.5 to 3600/, 2],
    ['an infinite number of saves', ['--writes', 'Infinity'], /number from 0 to 1000/, 2],
    ['a seed in hexadecimal', ['--seed', '0x10'], /whole number/, 2],
    ['an option that is misspelt', ['--nods', '3'], /Did you mean --nodes\?/, 2],
    ['an argument too many', ['now'], /too many arguments/, 2],
  ] as const) {
    it(`refuses ${what} in one line that says why`, async () => {
      const { code, stdout, stderr } = await start(...args).result();
      expect(code).to.equal(exitCode);
      expect(stdout).to.equal('');
      expect(stderr).to.match(says);
      expect(stderr).not.to.match(/s3cr3t|\bat .*\.ts:\d/);
    });
  }
});

describe('the command unstale', function () {
  this.timeout(30_000);

  for (const args of [['--help'], ['help'], ['demo', '--help'], ['help', 'demo']] as const) {
    it(`teaches: unstale ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await runCommand(args);
      expect(code).to.equal(0);
      expect(stderr).to.equal('');
      expect(stdout).to.match(/Exit codes:/);
      expect(stdout).to.match(/\$ unstale demo/);
    });
  }

  it('tells its version, and help on standard error if it is told nothing', async () => {
    const manifest: unknown = JSON.parse(await readFile('package.json', 'utf8'));
    const { stdout } = await runCommand(['--version']);
    expect(manifest).to.have.property('version', stdout.trim());
    const bare = await runCommand([]);
    expect(bare).to.include({ code: 2, stdout: '' });
    expect(bare.stderr).to.match(/Usage: unstale/);
  });

  it('suggests the command that was meant', async () => {
    const { code, stderr } = await runCommand(['dmeo']);
    expect(code).to.equal(2);
    expect(stderr).to.match(/Did you mean demo\?/);
  });
});

async function contentsOf(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder);
  const texts = names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')]);
  return Object.fromEntries(await Promise.all(texts));
}

/** What a demo left in its temporary folder. */
async function leftIn(temporary: string): Promise<string[]> {
  return (await readdir(temporary)).filter((name) => name.startsWith('unstale-'));
}

/** The children of a run, as soon as it has any. */
async function forked(run: DemoRun): Promise<number[]> {
  const endMs = performance.now() + 20_000;
  for (;;) {
    const children = childrenOf(run.pid);
    if (children.length >= 4 || performance.now() > endMs) return children;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
