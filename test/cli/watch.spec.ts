import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters, styleText } from 'node:util';
import { expect } from 'chai';
import { draw } from '../../src/cli/watch/draw.ts';
import { WatchList } from '../../src/cli/watch/watch-list.ts';
import { eventLine } from '../../src/cli/watch/event-line.ts';
import type { WatchedEvent } from '../../src/cli/watch/watched-event.ts';
import { loadBus, parseBusUrl } from '../../src/config/index.ts';
import { joinCluster, type Cluster, type ClusterStatus } from '../../src/index.ts';
import { CommandRun } from './command-run.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** Colours as on a terminal, whether or not this is one. */
const COLOURED: typeof styleText = (style, text) =>
  styleText(style, text, { validateStream: false });

const HOSTILE = 'id\u001b[2J\u0007\r\n\u202egnp.exe\u0000';

function event(number: number, more: Partial<WatchedEvent> = {}): WatchedEvent {
  const text = `articles/article:${number}`;
  return {
    atMs: number,
    type: 'invalidation',
    node: 'web-1/abcdefgh',
    text,
    propagationMs: 3,
    ...more,
  };
}

/** The status of a real node, with as many members as are asked for. */
function statusOf(cluster: Cluster, members: number): ClusterStatus {
  const note = 'proven' as const;
  return {
    ...cluster.status(),
    members: Array.from({ length: members }, (_, at) => ({
      node: `${HOSTILE}${'x'.repeat(30)}-${at}/epoch`,
      silentMs: at * 1_000,
      proofAgeMs: at === 0 ? Number.POSITIVE_INFINITY : at * 700,
      missing: at,
      note,
    })),
  };
}

async function member(url: string): Promise<Cluster> {
  const bus = await loadBus(parseBusUrl(url));
  return await joinCluster({ name: 'shop', label: 'web-1', bus, expectedNodes: 1, lingerMs: 0 });
}

let buses = 0;
function freshUrl(): string {
  buses += 1;
  return `ipc:watch-${process.pid}-${buses}`;
}

describe('unstale watch, on its screen', () => {
  const set: { cluster?: Cluster } = {};
  before(async () => {
    set.cluster = await member('memory:watch-screen');
  });
  after(async () => {
    await set.cluster?.close();
  });

  function picture(
    columns: number,
    rows: number,
    members: number,
    list: WatchList,
  ): readonly string[] {
    if (set.cluster === undefined) throw new Error('not joined');
    const status = statusOf(set.cluster, members);
    return draw({ status, list, columns, rows, typing: undefined }, COLOURED);
  }

  for (const [columns, rows] of [
    [80, 24],
    [200, 60],
    [40, 10],
    [20, 4],
    [5, 2],
    [1, 1],
  ] as const) {
    for (const members of [0, 3, 100]) {
      it(`fits ${columns}×${rows} with ${members} members and hostile ids`, () => {
        const list = new WatchList();
        for (let number = 0; number < 1_000; number += 1)
          list.add(event(number, { text: HOSTILE }));
        const lines = picture(columns, rows, members, list).map(stripVTControlCharacters);
        expect(lines).to.have.length.at.most(rows);
        for (const line of lines) {
          expect(Array.from(line)).to.have.length.at.most(columns);
          // oxlint-disable-next-line no-control-regex -- a control character is exactly what is looked for
          expect(line).not.to.match(/[\u0000-\u001f\u202e]/);
        }
      });
    }
  }

  it('shows on 80×24 who is there, what passed last, and the keys', () => {
    const list = new WatchList();
    for (let number = 0; number < 100; number += 1) list.add(event(number));
    const lines = picture(80, 24, 3, list).map(stripVTControlCharacters);
    expect(lines).to.have.lengthOf(24);
    expect(lines[0]).to.match(/^shop {2}bus open .* bound 30\.0 s .* 100\/s/);
    expect(lines.filter((line) => /proven/.test(line))).to.have.lengthOf(3);
    expect(lines.at(-2)).to.match(/invalidation web-1\/abcd 3 ms articles\/article:99/);
    expect(lines.at(-1)).to.match(/p pause +f filter +c clear +q quit/);
  });

  it('counts the members for whom there is no room', () => {
    const lines = picture(80, 24, 100, new WatchList()).map(stripVTControlCharacters);
    expect(lines.join('\n')).to.match(/and 92 more/);
  });

  it('keeps of a flood what it can show, and counts the rest', () => {
    const list = new WatchList();
    for (let tenth = 0; tenth < 100; tenth += 1) {
      for (let number = 0; number < 100; number += 1) list.add(event(number));
      if (tenth < 99) list.tick();
    }
    expect(list.total).to.equal(10_000);
    expect(list.perSecond).to.equal(1_000);
    expect(list.newest(Number.POSITIVE_INFINITY)).to.have.length.at.most(1_000);
  });

  it('stands still while it is paused, and goes on counting', () => {
    const list = new WatchList();
    list.add(event(1));
    list.pause();
    list.add(event(2));
    expect(list.newest(9).map(({ atMs }) => atMs)).to.deep.equal([1]);
    expect(list.total).to.equal(2);
    list.pause();
    expect(list.newest(9).map(({ atMs }) => atMs)).to.deep.equal([1, 2]);
  });

  it('shows only what passes the filter', () => {
    const list = new WatchList();
    for (let number = 0; number < 20; number += 1) list.add(event(number));
    list.filter = 'article:19';
    expect(list.newest(9).map(({ atMs }) => atMs)).to.deep.equal([19]);
  });

  it('makes one harmless line of an event, whatever the id is', () => {
    const line = eventLine(event(1, { text: HOSTILE, node: HOSTILE }), (_, text) => text);
    // oxlint-disable-next-line no-control-regex -- a control character is exactly what is looked for
    expect(line).not.to.match(/[\u0000-\u001f\u202e]/);
  });
});

describe('unstale watch, piped', function () {
  this.timeout(60_000);
  const set: { cluster?: Cluster; run?: CommandRun } = {};
  const url = freshUrl();

  beforeEach(async () => {
    set.cluster = await member(url);
  });
  afterEach(async () => {
    await set.run?.kill();
    await set.cluster?.close();
  });

  /** The command, once it takes part. */
  async function watch(...args: readonly string[]): Promise<CommandRun> {
    const run = new CommandRun(['watch', '--bus', url, '--cluster', 'shop', ...args]);
    set.run = run;
    await run.until(({ stdout }) => (stdout.includes('member-joined') ? true : undefined));
    return run;
  }

  it('prints a line per event, without colours', async () => {
    const run = await watch();
    await set.cluster?.invalidate({ region: 'articles', keys: ['1', HOSTILE] });
    const line = await run.until(({ stdout }) => /.*invalidation .*\n/.exec(stdout)?.[0]);
    expect(line).to.match(/^\d\d:\d\d:\d\d\.\d{3} invalidation web-1\/\w{4} \d+ ms articles\/1 /);
    expect(run.stdout).not.to.contain('\u001b');
    run.signal('SIGINT');
    expect((await run.result()).code).to.equal(130);
  });

  it('prints one JSON document per line with --json, and only what passes the filter', async () => {
    const run = await watch('--json', '--filter', 'e');
    await set.cluster?.invalidate({ region: 'articles', keys: ['1'] });
    const line = await run.until(({ stdout }) => /.*"invalidation".*\n/.exec(stdout)?.[0]);
    expect(JSON.parse(line)).to.include({ type: 'invalidation', text: 'articles/1' });
    for (const each of run.stdout.trimEnd().split('\n'))
      expect(JSON.parse(each)).to.be.an('object');
  });

  it('ends when nobody reads it any more', async () => {
    const run = await watch();
    run.closeStdout();
    const invalidating = setInterval(() => void set.cluster?.invalidate({ keys: 'a' }), 50);
    try {
      const { code, stderr } = await run.result();
      expect(code).to.equal(0);
      expect(stderr).to.equal('');
    } finally {
      clearInterval(invalidating);
    }
  });
});

describe('unstale watch, in a terminal', function () {
  this.timeout(60_000);

  it('fills the screen, takes keys, and leaves the terminal as it was', async () => {
    const url = freshUrl();
    const cluster = await member(url);
    // A pseudo terminal of its own, from util-linux.
    const command = `stty cols 80 rows 24; exec "${process.execPath}" --import tsx "${MAIN}" watch --bus ${url} --cluster shop`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      env: { ...process.env, TERM: 'xterm' },
    });
    let screen = '';
    let seen: (() => void) | undefined;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      screen += text;
      seen?.();
    });
    const until = (pattern: RegExp): Promise<void> =>
      new Promise((resolve) => {
        seen = () => {
          if (pattern.test(screen)) resolve();
        };
        seen();
      });
    try {
      await until(/web-1\//);
      expect(screen).to.contain('\u001b[?1049h');
      await cluster.invalidate({ keys: 'seen-by-people' });
      await until(/seen-by-people/);
      child.stdin.write('p');
      await until(/PAUSED/);
      child.stdin.write('f');
      await until(/filter: _/);
      child.stdin.write('xyz');
      await until(/filter: xyz_/);
      child.stdin.write('\r');
      await until(/filter \(xyz\)/);
      child.stdin.write('q');
      const [code] = await once(child, 'close');
      expect(code).to.equal(0);
      expect(screen).to.match(/\[\?1049l/);
      const shown = screen.slice(screen.indexOf('\u001b[?1049h'));
      for (const line of shown.replaceAll('\u001b[H', '\n').split('\n')) {
        expect(stripVTControlCharacters(line).trimEnd()).to.have.length.at.most(80);
      }
    } finally {
      child.kill();
      await cluster.close();
    }
  });
});
