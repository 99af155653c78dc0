import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';

import { MemberProcess } from './member-process.ts';
import { privateFolder } from './private-folder.ts';
import { leaveStaleSocket } from './stale-socket.ts';

const INTERRUPTED = 'interrupted BUS_UNREACHABLE';
const RESUMED = 'resumed possible';

describe('the ipc bus, with one bus per process', function () {
  this.timeout(120_000);
  const { folder, remove } = privateFolder();
  const members: MemberProcess[] = [];
  afterEach(async () => {
    await Promise.all(members.splice(0).map((member) => member.kill()));
  });
  after(remove);

  async function start(count: number): Promise<MemberProcess[]> {
    const started = await MemberProcess.startAll(count);
    members.push(...started);
    return started;
  }

  it('makes one hub of 8 processes that start at once, round after round', async () => {
    const all = await start(8);
    for (let round = 0; round < 40; round += 1) {
      const channel = `round-${round}`;
      // Every other time they find what a killed hub has left behind.
      if (round % 2 === 1) await leaveStaleSocket(join(folder, channel));
      await Promise.all(all.map((member) => member.do({ type: 'open', channel, folder })));
      await Promise.all(
        all.map((member, index) => member.do({ type: 'publish', frames: [`${round}-${index}`] })),
      );
      await Promise.all(all.map(({ heard }) => heard.until((lines) => lines.length === 8)));
      const [first] = all;
      for (const { heard } of all) expect(heard.lines).to.deep.equal(first?.heard.lines);
      expect(readdirSync(join(folder, channel))).to.have.length(1);
      for (const { heard } of all) heard.lines.length = 0;
      // All close at once, the hub among them: what they hear of that does not matter any more.
      await Promise.all(all.map((member) => member.do({ type: 'close' })));
      for (const { heard } of all) heard.lines.length = 0;
    }
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('makes one new hub whenever the hub is killed, and all the others know that they may have missed something', async () => {
    const channel = 'takeover';
    let all = await start(7);
    for (const member of all) await member.do({ type: 'open', channel, folder });
    const waits: number[] = [];
    for (let [victim] = all; victim && all.length > 2; [victim] = all) {
      all = all.filter((member) => member !== victim);
      await victim.kill();
      // Nobody says who the hub is, but a frame that passes proves that it lives.
      if (await canPublish(all)) continue;
      const heardOf = all.map(({ heard }) => heard.until((lines) => lines.includes(RESUMED)));
      waits.push(...(await Promise.all(heardOf)));
      await Promise.all(all.map((member) => member.do({ type: 'publish', frames: ['after'] })));
      const afters = (lines: readonly string[]): boolean =>
        lines.filter((line) => line === 'after').length === all.length;
      await Promise.all(all.map(({ heard }) => heard.until(afters)));
      for (const { heard } of all) {
        expect(heard.lines.filter((line) => line !== 'after' && line !== 'alive')).to.deep.equal([
          INTERRUPTED,
          RESUMED,
        ]);
        heard.lines.length = 0;
      }
      expect(readdirSync(join(folder, channel))).to.have.length(1);
    }
    expect(waits.length, 'the first one that was killed was the hub').to.be.at.least(6);
    expect(Math.max(...waits)).to.be.lessThan(2_000);
  });

  it('lets a member notice a hub that is stopped, within a few heart-beats, and go on when it goes on', async () => {
    const [hub, other] = await start(2);
    const options = { type: 'open', channel: 'stopped', folder, heartbeatMs: 100 } as const;
    await hub?.do(options);
    await other?.do(options);
    hub?.signal('SIGSTOP');
    const noticedMs = await other?.heard.until(INTERRUPTED);
    expect(noticedMs).to.be.within(250, 1_500);
    hub?.signal('SIGCONT');
    await other?.heard.until(RESUMED);
    await other?.do({ type: 'publish', frames: ['x'] });
    await hub?.heard.until('x');
    expect(hub?.heard.lines).to.deep.equal(['x']);
  });

  it('hangs up on a member that does not read, while the others are not slowed', async () => {
    const [hub, publisher, slow] = await start(3);
    const options = { type: 'open', channel: 'slow', folder, heartbeatMs: 60_000 } as const;
    for (const member of [hub, publisher, slow]) await member?.do(options);
    slow?.signal('SIGSTOP');
    const padding = 'x'.repeat(60_000);
    for (let batch = 0; batch < 10; batch += 1) {
      const frames = Array.from({ length: 40 }, (_, index) => `${batch}-${index}-${padding}`);
      await publisher?.do({ type: 'publish', frames });
    }
    await hub?.heard.until((lines) => lines.length === 400);
    expect(publisher?.heard.lines).to.have.length(400);
    slow?.signal('SIGCONT');
    await slow?.heard.until(RESUMED);
    const missed = 400 - (slow?.heard.lines.length ?? 0) + 2;
    expect(missed).to.be.greaterThan(0);
    expect(slow?.heard.lines.slice(-2)).to.deep.equal([INTERRUPTED, RESUMED]);
    await publisher?.do({ type: 'publish', frames: ['x'] });
    await slow?.heard.until('x');
  });

  it('takes over when the hub closes in good order, and what it had accepted was heard', async () => {
    const [hub, b, c] = await start(3);
    for (const member of [hub, b, c])
      await member?.do({ type: 'open', channel: 'orderly', folder });
    const frames = Array.from({ length: 1_000 }, (_, index) => `${index}`);
    await hub?.do({ type: 'publish', frames });
    await hub?.do({ type: 'close' });
    await Promise.all([b, c].map(async (member) => member?.heard.until(RESUMED)));
    for (const member of [b, c]) {
      expect(member?.heard.lines).to.deep.equal([...frames, INTERRUPTED, RESUMED]);
    }
  });
});

async function canPublish([first]: readonly MemberProcess[]): Promise<boolean> {
  return await (first?.do({ type: 'publish', frames: ['alive'] }) ?? Promise.reject()).then(
    () => true,
    () => false,
  );
}
