import { expect } from 'chai';
import { ejabberd } from '../../support/brokers.ts';
import { Members, refusalOf, type Member } from './members.ts';

describe('XMPP on ejabberd', () => {
  const members = Members.at(ejabberd);
  const guest = { username: 'guest', password: 'guest-secret' };
  before(async () => (await ejabberd()).addUser(guest.username, guest.password));

  /** A guest in a room that somebody else owns, and what the guest is called there. */
  async function guestIn(room: string): Promise<Member & { readonly nick: string }> {
    const server = await ejabberd();
    const host = await members.joins(room, { label: 'host' });
    const member = await members.joins(room, { ...guest, label: 'guest' });
    const service = server.mucDomain;
    const occupants = await server.administer('get_room_occupants', { name: room, service });
    const nick = /guest~[0-9a-f]+/.exec(JSON.stringify(occupants))?.[0] ?? 'nobody';
    await host.bus.publish('before');
    await member.heard.until('before');
    return { ...member, nick };
  }

  it('sets up a room that it has created', async () => {
    const server = await ejabberd();
    const room = members.newRoom();
    await members.joins(room);
    const service = server.mucDomain;
    const options = JSON.stringify(
      await server.administer('get_room_options', { name: room, service }),
    );
    expect(options).to.match(/"persistent":"?true/);
    expect(options).to.match(/"moderated":"?false/);
    expect(options).to.match(/"anonymous":"?false/);
    expect(options).to.match(/"public":"?false/);
  });

  it('comes back after a kick, and says that something may be missing', async () => {
    const room = members.newRoom();
    const member = await guestIn(room);
    await (await ejabberd()).kick(room, member.nick);
    await member.heard.until('resumed possible');
    await member.bus.publish('after');
    expect(member.heard.lines).to.deep.equal([
      'before',
      'interrupted BUS_EVICTED',
      'resumed possible',
      'after',
    ]);
  });

  it('comes back after the room was destroyed, and makes it again', async () => {
    const room = members.newRoom();
    const member = await guestIn(room);
    await (await ejabberd()).destroyRoom(room);
    await member.heard.until('resumed possible');
    await member.bus.publish('after');
    expect(member.heard.lines[1]).to.equal('interrupted BUS_EVICTED');
  });

  it('gives up when it is banned, and is not let in again', async () => {
    const room = members.newRoom();
    const member = await guestIn(room);
    await (await ejabberd()).ban(room, guest.username);
    await member.heard.until('failed BUS_ACCESS_DENIED');
    const { bus, heard } = await members.bus(room, guest);
    const { code, message } = await refusalOf(bus.open(heard.receiver));
    expect(code).to.equal('BUS_ACCESS_DENIED');
    expect(message).to.match(/lift the ban/);
  });

  it('is joined again when it has ended the session', async () => {
    const server = await ejabberd();
    const member = await members.joins(members.newRoom(), guest);
    await server.dropSessions(guest.username);
    await member.heard.until('resumed possible');
    await member.bus.publish('after');
  });

  it('refuses who comes back with a password that was changed meanwhile', async () => {
    const server = await ejabberd();
    await server.addUser('changed', 'old-secret');
    const account = { username: 'changed', password: 'old-secret' };
    const member = await members.joins(members.newRoom(), account);
    await server.setPassword('changed', 'new-secret');
    member.line.cut();
    await member.heard.until('failed BUS_ACCESS_DENIED');
  });

  it('brings what was said meanwhile, once and in order', async () => {
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

  it('loses nothing where the line broke in the middle of a stanza', async () => {
    const room = members.newRoom();
    const [member, other] = [await members.joins(room), await members.joins(room)];
    const frames = Array.from({ length: 40 }, (_, index) => `frame ${index}`);
    member.line.breakAfter({ bytes: 1_333, direction: 'toBroker', how: 'cut' });
    await Promise.allSettled(frames.map((frame) => member.bus.publish(frame)));
    await member.heard.until('resumed none');
    await member.bus.publish('end');
    await other.heard.until('end');
    expect(other.heard.lines).to.deep.equal([...frames, 'end']);
  });

  it('is joined over WebSocket', async () => {
    const server = await ejabberd();
    const room = members.newRoom();
    const web = await members.joins(room, { service: server.websocketUrl });
    const tcp = await members.joins(room);
    await web.bus.publish('from the web');
    await tcp.heard.until('from the web');
  });

  it('is refused where the room does not exist and may not be made', async () => {
    const { bus, heard } = await members.bus('x', { room: 'x@rooms.localhost' });
    const { code, message } = await refusalOf(bus.open(heard.receiver));
    expect(code).to.be.oneOf(['BUS_UNREACHABLE', 'BUS_MISCONFIGURED']);
    expect(message).to.match(/`room`/);
  });
});
