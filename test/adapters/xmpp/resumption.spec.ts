import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { startProsody, type ProsodyBroker } from '../../../brokers/index.ts';
import { prosody } from '../../support/brokers.ts';
import { Members, type Member } from './members.ts';

describe('XMPP: resumption (XEP-0198)', () => {
  const members = Members.at(prosody);
  const guest = { username: 'guest', password: 'guest-secret' };
  before(async () => (await prosody()).addUser(guest.username, guest.password));

  it('brings what was said meanwhile, once and in order, before anything new', async () => {
    const room = members.newRoom();
    const [member, other] = [await members.joins(room), await members.joins(room)];
    const frames = Array.from({ length: 50 }, (_, index) => `frame ${index}`);
    member.line.sever();
    await member.heard.until('interrupted BUS_UNREACHABLE');
    for (const frame of frames) await other.bus.publish(frame);
    member.line.heal();
    await member.heard.until('resumed none');
    await other.bus.publish('new');
    await member.heard.until('new');
    expect(member.heard.lines.slice(1)).to.deep.equal(['resumed none', ...frames, 'new']);
  });

  it('sends again what the server had not got, and nothing twice', async () => {
    const room = members.newRoom();
    const [member, other] = [await members.joins(room), await members.joins(room)];
    const frames = Array.from({ length: 40 }, (_, index) => `frame ${index}`);
    // Nothing of it arrives before the line breaks.
    member.line.swallow('toBroker');
    const publishing = Promise.allSettled(frames.map((frame) => member.bus.publish(frame)));
    member.line.cut();
    const settled = await publishing;
    expect(settled.filter(({ status }) => status === 'rejected')).to.have.lengthOf(40);
    member.line.heal();
    await member.heard.until('resumed none');
    await member.bus.publish('end');
    await other.heard.until('end');
    expect(other.heard.lines).to.deep.equal([...frames, 'end']);
  });

  it('is settled within seconds where the line broke in the middle of a stanza', async () => {
    const room = members.newRoom();
    const [member, other] = [await members.joins(room), await members.joins(room)];
    for (const bytes of [1, 200, 333, 3_333]) {
      const frames = Array.from({ length: 40 }, (_, index) => `${bytes}/${index}`);
      const before = member.heard.lines.length;
      member.line.breakAfter({ bytes, direction: 'toBroker', how: 'cut' });
      await Promise.allSettled(frames.map((frame) => member.bus.publish(frame)));
      await heardSince(member, before, (line) => line.startsWith('resumed'));
      await member.bus.publish(`end of ${bytes}`);
      await other.heard.until(`end of ${bytes}`);
      const heard = other.heard.lines.filter((line) => line.startsWith(`${bytes}/`));
      expect(new Set(heard).size, 'heard twice').to.equal(heard.length);
      if (member.heard.lines.slice(before).includes('resumed none')) {
        expect(heard).to.deep.equal(frames);
      }
    }
  });

  it('never claims that nothing is missing where something is, wherever the line breaks again', async function breaksAnywhere() {
    this.timeout(60_000);
    const room = members.newRoom();
    const [member, other] = [await members.joins(room), await members.joins(room)];
    let continued = 0;
    for (let bytes = 400; bytes < 9_000; bytes += 797) {
      const before = member.heard.lines.length;
      member.line.sever();
      await heardSince(member, before, (line) => line.startsWith('interrupted'));
      const frames = Array.from({ length: 20 }, (_, index) => `${bytes}/${index}`);
      for (const frame of frames) await other.bus.publish(frame);
      member.line.heal();
      member.line.breakAfter({ bytes, direction: 'toBus', how: 'cut' });
      await heardSince(member, before, (line) => line.startsWith('resumed'));
      member.line.heal();
      const last = `end of ${bytes}`;
      await other.bus.publish(last);
      await heardSince(member, before, (line) => line === last || line === 'resumed possible');
      const lines = member.heard.lines.slice(before);
      if (lines.includes('resumed possible')) continue;
      continued += 1;
      expect(lines.filter((line) => line.startsWith(`${bytes}/`))).to.deep.equal(frames);
    }
    expect(continued, 'interruptions without loss').to.be.above(0);
  });

  it('is no continuity where it was thrown out meanwhile', async () => {
    const server = await prosody();
    const room = members.newRoom();
    const host = await members.joins(room);
    const member = await members.joins(room, { ...guest, label: 'guest' });
    const listed = 'for nick in room:each_occupant() do print(nick) end';
    const nick = /guest~[0-9a-f]+/.exec(await server.runInRoom(room, listed))?.[0] ?? '';
    member.line.sever();
    await member.heard.until('interrupted BUS_UNREACHABLE');
    await server.kick(room, nick);
    await host.bus.publish('missed');
    member.line.heal();
    await member.heard.until('resumed possible');
    await host.bus.publish('after');
    await member.heard.until('after');
    expect(member.heard.lines).to.deep.equal([
      'interrupted BUS_UNREACHABLE',
      'resumed possible',
      'after',
    ]);
  });

  it('leaves no second occupant behind after many cuts', async () => {
    const server = await prosody();
    const room = members.newRoom();
    const { heard, line, bus } = await members.joins(room);
    for (let cut = 1; cut <= 10; cut += 1) {
      line.cut();
      await heard.until((lines) => lines.filter((text) => text === 'resumed none').length === cut);
    }
    await bus.publish('once');
    const listed = 'for nick in room:each_occupant() do print("occupant " .. nick) end';
    expect((await server.runInRoom(room, listed)).match(/occupant /g)).to.have.lengthOf(1);
  });
});

describe('XMPP: a server that does not keep sessions for long', () => {
  let server: Promise<ProsodyBroker> | undefined;
  const start = (): Promise<ProsodyBroker> => (server ??= startProsody({ hibernationMs: 1_000 }));
  const members = Members.at(start);
  after(async () => (await server)?.stop());

  it('is joined anew after a longer interruption, and something may be missing', async () => {
    const room = members.newRoom();
    const [member, other] = [await members.joins(room), await members.joins(room)];
    const broker = await start();
    member.line.sever();
    await member.heard.until('interrupted BUS_UNREACHABLE');
    await gone(() => occupants(broker, room), 1);
    await other.bus.publish('missed');
    member.line.heal();
    await member.heard.until('resumed possible');
    await other.bus.publish('after');
    await member.heard.until('after');
    expect(member.heard.lines).to.not.include('missed');
  });
});

async function heardSince(
  { heard }: Member,
  from: number,
  condition: (line: string) => boolean,
): Promise<void> {
  await heard.until((lines) => lines.slice(from).some((line) => condition(line)));
}

async function occupants(broker: ProsodyBroker, room: string): Promise<number> {
  const listed = 'for nick in room:each_occupant() do print("occupant " .. nick) end';
  return (await broker.runInRoom(room, listed)).match(/occupant /g)?.length ?? 0;
}

/** The server tells nobody when it forgets a session: it has to be asked until it has. */
async function gone(count: () => Promise<number>, wanted: number): Promise<void> {
  for (let asked = 0; asked < 100; asked += 1) {
    if ((await count()) === wanted) return;
    await pause(100);
  }
  throw new Error('the server has not forgotten the session within 10 s');
}
