import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { loadBus, parseBusUrl } from '../../src/config/index.ts';
import { joinCluster, onTelemetry, type Cluster, type CoherentCache } from '../../src/index.ts';
import { CommandRun, runCommand } from './command-run.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

let buses = 0;

interface Member {
  readonly url: string;
  readonly cluster: Cluster;
  readonly articles: CoherentCache<string>;
}

async function member(): Promise<Member> {
  buses += 1;
  const url = `ipc:invalidate-${process.pid}-${buses}`;
  const bus = await loadBus(parseBusUrl(url));
  const cluster = await joinCluster({
    name: 'shop',
    label: 'web',
    bus,
    expectedNodes: 1,
    lingerMs: 0,
  });
  const articles = cluster.cache<string>('articles', {
    maxEntries: 1_000,
    load: (id) => Promise.resolve(id),
    tags: (_, id) => [`tag-${id.slice(0, 1)}`],
  });
  for (const id of ['a1', 'a2', 'b1']) await articles.get(id);
  return { url, cluster, articles };
}

function kept({ articles }: Member): string[] {
  return ['a1', 'a2', 'b1'].filter((id) => articles.peek(id) !== undefined);
}

describe('unstale invalidate', function () {
  this.timeout(60_000);
  const set: { member?: Member } = {};
  const web = (): Member => {
    if (set.member === undefined) throw new Error('not joined');
    return set.member;
  };
  const flags = (): readonly string[] => ['--bus', web().url, '--cluster', 'shop', '--ack', '1'];

  beforeEach(async () => {
    set.member = await member();
  });
  afterEach(async () => {
    await set.member?.cluster.close();
  });

  for (const [args, left] of [
    [['a1'], ['a2', 'b1']],
    [['--region', 'articles', 'a1', 'b1'], ['a2']],
    [
      ['--region', 'news', 'a1'],
      ['a1', 'a2', 'b1'],
    ],
    [['--prefix', 'a', '--region', 'articles'], ['b1']],
    [['--tag', 'tag-a', '--tag', 'tag-b'], []],
    [['--region', 'articles', '--all'], []],
    [['--all'], []],
  ] as const) {
    it(`${args.join(' ')} leaves ${left.join(' and ') || 'nothing'}`, async () => {
      const { code, stdout, stderr } = await runCommand(['invalidate', ...flags(), ...args]);
      expect(code, stderr).to.equal(0);
      expect(stdout).to.match(/: acks; applied by web\//);
      expect(kept(web())).to.deep.equal(left);
    });
  }

  it('prints one JSON document with --json', async () => {
    const { stdout } = await runCommand(['invalidate', ...flags(), '--json', 'a1', 'a2']);
    const result: unknown = JSON.parse(stdout);
    expect(result).to.deep.include({ keys: 2, missing: [] });
    expect(result).to.have.nested.property('results.acks', 1);
  });

  it('waits for everybody with --ack all', async () => {
    const args = ['invalidate', '--bus', web().url, '--cluster', 'shop', '--ack', 'all'];
    const { code, stdout } = await runCommand([...args, '--timeout', '10', 'a1']);
    expect(code).to.equal(0);
    expect(stdout).to.match(/1 key: (acks|lease)/);
    expect(kept(web())).to.deep.equal(['a2', 'b1']);
  });

  for (const [args, says] of [
    [[], /name what has changed/],
    [['--all', 'a1'], /--all names everything/],
    [['--ack', 'most', 'a1'], /bus, all, or a number/],
    [['--timeout', '-1', 'a1'], /number of seconds/],
    [['--region', '', 'a1'], /region/],
    [['x'.repeat(2_000)], /1,?024|characters/],
    [['--regoin', 'x', 'a1'], /Did you mean --region/],
  ] as const) {
    it(`refuses ${args.join(' ').slice(0, 30) || 'nothing'} with exit code 2`, async () => {
      const { code, stdout, stderr } = await runCommand([
        'invalidate',
        '--bus',
        'memory:',
        ...args,
      ]);
      expect(code).to.equal(2);
      expect(stderr).to.match(says);
      expect(stdout).to.equal('');
    });
  }

  it('ends with exit code 1 when nobody listens there', async () => {
    const { code, stderr } = await runCommand(['invalidate', '--bus', 'amqp://127.0.0.1:1/', 'a']);
    expect(code).to.equal(1);
    expect(stderr)
      .to.match(/BUS_UNREACHABLE/)
      .and.not.match(/defect/);
  });

  it('reads ids from standard input, skipping empty lines', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'invalidate', ...flags(), '-']);
    child.stdin.end('a1\r\n\n\nb1');
    const [code] = await once(child, 'close');
    expect(code).to.equal(0);
    expect(kept(web())).to.deep.equal(['a2']);
  });

  it('refuses a line that does not end', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'invalidate', ...flags(), '-']);
    let err = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.stdin.on('error', () => undefined);
    child.stdin.write('x'.repeat(1_000_000));
    const [code] = await once(child, 'close');
    expect(code).to.equal(2);
    expect(err).to.match(/more than 65536 characters/);
  });

  it('takes a million ids from standard input without keeping them', async function () {
    this.timeout(180_000);
    const ids = 1_000_000;
    const command = ['invalidate', '--bus', 'memory:', '--json', '-'];
    // Twenty bytes each would be 20 MB, and 100 MB as strings, if they were kept.
    const node = ['--max-old-space-size=64', '--import', 'tsx', MAIN, ...command];
    const child = spawn(process.execPath, node, { stdio: ['pipe', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    for (let first = 0; first < ids; first += 1_000) {
      const lines = Array.from(
        { length: 1_000 },
        (_, at) => `article:${first + at}:${'x'.repeat(20)}`,
      );
      if (!child.stdin.write(`${lines.join('\n')}\n`)) await once(child.stdin, 'drain');
    }
    child.stdin.end();
    const [code] = await once(child, 'close');
    expect(code).to.equal(0);
    expect(JSON.parse(out)).to.have.property('keys', ids);
  });

  it('ends when Ctrl-C comes while standard input is still open', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'invalidate', ...flags(), '-']);
    const applied = new Promise<void>((resolve) => {
      const stop = onTelemetry('unstale:applied', () => {
        stop();
        resolve();
      });
    });
    // As many as one batch takes, so that it is seen to be at work.
    child.stdin.write(Array.from({ length: 5_000 }, (_, at) => `k${at}\n`).join(''));
    await applied;
    child.kill('SIGINT');
    const [code] = await once(child, 'close');
    expect(code).to.equal(130);
  });

  it('does not mind that nobody reads its output', async () => {
    const run = new CommandRun(['invalidate', ...flags(), 'a1']);
    run.closeStdout();
    const { code, stderr } = await run.result();
    expect(code, stderr).to.equal(0);
    expect(kept(web())).to.deep.equal(['a2', 'b1']);
  });
});
