import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { Person } from '../adapters/xmpp/person.ts';
import { xmppServer, type XmppServer } from '../support/servers.ts';
import { DemoRun, survivors } from './demo-run.ts';

const IDS = ['README.md', 'article:42', 'index.ts'];

describe('unstale demo on XMPP', function () {
  this.timeout(120_000);
  const runs: DemoRun[] = [];
  const people: Person[] = [];
  let folder = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'unstale-test-'));
    for (const id of IDS) await writeFile(join(folder, id), `${id} in the folder\n`);
  });

  after(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  afterEach(async () => {
    await Promise.all(people.splice(0).map((person) => person.leaves()));
    for (const run of runs.splice(0)) {
      await run.kill();
      expect(await survivors(run.announced, 5_000)).to.deep.equal([]);
    }
  });

  function start(...args: string[]): DemoRun {
    const run = new DemoRun(['--resources', folder, ...args]);
    runs.push(run);
    return run;
  }

  async function enter(server: XmppServer, room: string): Promise<Person> {
    const { host, port, domain, username, password } = server;
    const person = await Person.joins({ host, port, domain, username, password, room });
    people.push(person);
    return person;
  }

  it('keeps server processes coherent through a chat room, and people in it read ids and nothing else', async () => {
    const server = await xmppServer();
    const room = `demo-${process.pid}@${server.mucDomain}`;
    const person = await enter(server, room);
    const run = start('--seconds', '2', '--writes', '10', '--json', '--bus', urlOf(server, room));
    const { code, stdout, stderr } = await run.result();
    expect(code, stderr).to.equal(0);
    expect(stdout + stderr).not.to.contain(server.password);
    const { modes } = JSON.parse(stdout);
    expect(modes.unstale).to.include({ errors: 0 });
    // Both were measured in one run, on the same machine: the figures for people are in the README.
    expect(modes.ttl.worstStalenessMs).to.be.greaterThan(500);
    expect(modes.unstale.worstStalenessMs).to.be.lessThan(modes.ttl.worstStalenessMs / 2);
    expect(modes.unstale.propagationP50Ms).to.be.greaterThan(0);
    expect(person.read.length).to.be.greaterThan(5);
    const words = new Set(person.read.flatMap((body) => body.split(' ')));
    expect([...words].filter((word) => !IDS.includes(word))).to.deep.equal([]);
  });

  it('lets a person in the room evict a resource by typing its id', async () => {
    const server = await xmppServer();
    const room = `evict-${process.pid}@${server.mucDomain}`;
    const person = await enter(server, room);
    const run = start('--seconds', '3', '--writes', '0', '--bus', urlOf(server, room));
    const [origin, ...servers] = await run.processes('unstale', 3);
    for (const { base } of servers) expect(await read(base)).to.equal('README.md in the folder\n');
    // Changed behind the back of every server: nobody tells them.
    await fetch(`${origin?.base}/README.md`, { method: 'PUT', body: 'changed elsewhere\n' });
    for (const { base } of servers) expect(await read(base)).to.equal('README.md in the folder\n');
    await person.types('README.md');
    for (const { base } of servers) {
      for (let text = ''; text !== 'changed elsewhere\n'; text = await read(base)) await wait(10);
    }
    await run.untilSaid(/server-1: .* evicted 1 id/);
    const { code, stdout } = await run.result();
    expect(code).to.equal(0);
    // The demo noticed what the person mended.
    expect(stdout).to.match(/stale reads.*\d/);
  });

  it('says at once that the password is wrong, and does not say the password', async () => {
    const server = await xmppServer();
    const url = urlOf({ ...server, password: 'wr0ng-s3cr3t' }, `x@${server.mucDomain}`);
    const { code, stdout, stderr } = await start('--bus', url).result();
    expect(code).to.equal(1);
    expect(stdout).to.equal('');
    expect(stderr).to.match(/error: .*BUS_ACCESS_DENIED/);
    expect(stderr).not.to.match(/wr0ng-s3cr3t|no cache:|\bat .*\.ts:\d/);
  });
});

async function read(base: string): Promise<string> {
  return await (await fetch(`${base}/README.md`)).text();
}

function urlOf(
  { host, port, username, password, domain }: Omit<XmppServer, 'launched'>,
  room: string,
): string {
  const credentials = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
  return `xmpp://${credentials}@${host}:${port}/${room}?domain=${domain}`;
}
