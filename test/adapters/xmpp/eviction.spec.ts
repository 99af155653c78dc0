import { expect } from 'chai';
import { startProsody, type ProsodyBroker } from '../../../brokers/index.ts';
import { prosody } from '../../support/brokers.ts';
import { Members, type Member } from './members.ts';

describe('XMPP: losing a place in the room', () => {
  const members = Members.at(prosody);
  const guest = { username: 'guest', password: 'guest-secret' };
  before(async () => (await prosody()).addUser(guest.username, guest.password));

  /** A guest in a room that somebody else owns, and what the guest is called there. */
  async function guestIn(room: string): Promise<Member & { readonly nick: string }> {
    const server = await prosody();
    const host = await members.joins(room, { label: 'host' });
    const member = await members.joins(room, { ...guest, label: 'guest', selfPingAfterMs: 300 });
    const occupants = await server.runInRoom(
      room,
      'for nick in room:each_occupant() do print(nick) end',
    );
    const nick = /guest~[0-9a-f]+/.exec(occupants)?.[0] ?? 'nobody';
    await host.bus.publish('before');
    await member.heard.until('before');
    return { ...member, nick };
  }

  async function isBack(member: Member, room: string): Promise<void> {
    await member.heard.until('resumed possible');
    const other = await members.joins(room, guest);
    await other.bus.publish('after');
    await member.heard.until('after');
    expect(member.heard.lines).to.deep.equal([
      'before',
      'interrupted BUS_EVICTED',
      'resumed possible',
      'after',
    ]);
  }

  it('comes back after a kick, and says that something may be missing', async () => {
    const room = members.newRoom();
    const member = await guestIn(room);
    await (await prosody()).kick(room, member.nick);
    await isBack(member, room);
  });

  it('comes back after the room was destroyed, and makes it again', async () => {
    const room = members.newRoom();
    const member = await guestIn(room);
    await (await prosody()).destroyRoom(room);
    await isBack(member, room);
  });

  it('comes back when the room has lost sight of it without a word', async () => {
    const server = await prosody();
    const room = members.newRoom();
    const member = await guestIn(room);
    await server.runInRoom(
      room,
      `room._occupants["${room}@conference.localhost/${member.nick}"] = nil;
      for jid, nick in pairs(room._jid_nick) do
        if nick == "${room}@conference.localhost/${member.nick}" then room._jid_nick[jid] = nil end
      end`,
    );
    await isBack(member, room);
  });

  it('stays where the room forbids to ask it, and notices all the same when it is no longer there', async () => {
    const server = await prosody();
    const room = members.newRoom();
    const member = await guestIn(room);
    await server.runInRoom(
      room,
      `room.asked = 0;
      prosody.hosts["conference.localhost"].modules.muc.module:hook("iq/full", function (event)
        if event.stanza.attr.type ~= "get" or not event.stanza.attr.to:find("${room}@", 1, true) then return end
        room.asked = room.asked + 1;
        event.origin.send(require "util.stanza".error_reply(event.stanza, "cancel", "not-allowed"));
        return true;
      end, 1000)`,
    );
    let asked = 0;
    while (asked < 2)
      asked = Number(/\d+/.exec(await server.runInRoom(room, 'print(room.asked)'))?.[0]);
    expect(member.heard.lines).to.deep.equal(['before']);
    member.line.cut();
    await member.heard.until('resumed none');
    await server.runInRoom(room, 'room._occupants = {}; room._jid_nick = {}');
    await member.heard.until('resumed possible');
  });

  it('notices by its own message that it is no longer in the room', async () => {
    const server = await prosody();
    const room = members.newRoom();
    const { bus, heard } = await members.joins(room, { ...guest, selfPingAfterMs: 60_000 });
    await bus.publish('before');
    await server.runInRoom(room, 'room._occupants = {}; room._jid_nick = {}');
    const refusal = await bus.publish('not inside').catch((error: unknown) => error);
    expect(refusal).to.have.property('code', 'BUS_REJECTED');
    await heard.until('resumed possible');
    await bus.publish('after');
    expect(heard.lines).to.deep.equal([
      'before',
      'interrupted BUS_EVICTED',
      'resumed possible',
      'after',
    ]);
  });

  it('gives up when it is banned', async () => {
    const room = members.newRoom();
    const member = await guestIn(room);
    await (await prosody()).ban(room, guest.username);
    await member.heard.until('failed BUS_ACCESS_DENIED');
    expect(member.bus.state).to.equal('closed');
    expect(member.heard.lines).to.deep.equal(['before', 'failed BUS_ACCESS_DENIED']);
  });

  it('gives up when the room no longer admits it', async () => {
    const server = await prosody();
    const room = members.newRoom();
    const member = await guestIn(room);
    await server.runInRoom(
      room,
      `room:set_members_only(true);
      local x = require "util.stanza".stanza("x", { xmlns = "http://jabber.org/protocol/muc#user" }):tag("status", { code = "322" }):up();
      room:clear(x)`,
    );
    await member.heard.until('failed BUS_MISCONFIGURED');
    expect(member.heard.lines).to.deep.equal([
      'before',
      'interrupted BUS_EVICTED',
      'failed BUS_MISCONFIGURED',
    ]);
  });

  it('says so when it has lost its voice, and goes on listening', async () => {
    const server = await prosody();
    const room = members.newRoom();
    const member = await guestIn(room);
    await server.runInRoom(room, `room:set_moderated(true)`);
    await server.runInRoom(
      room,
      `assert(room:set_role(true, "${room}@conference.localhost/${member.nick}", "visitor"))`,
    );
    const refusal = await member.bus.publish('mute').catch((error: unknown) => error);
    expect(refusal).to.have.property('code', 'BUS_REJECTED');
    expect(refusal)
      .to.have.property('message')
      .that.matches(/no voice/);
    const other = await members.joins(room);
    await other.bus.publish('heard all the same');
    await member.heard.until('heard all the same');
    expect(member.bus.state).to.equal('open');
  });

  it('knows itself by the name that the room has given it', async () => {
    const server = await prosody();
    const room = members.newRoom();
    await members.joins(room);
    await server.runInRoom(
      room,
      `prosody.hosts["conference.localhost"].modules.muc.module:hook("muc-occupant-pre-join", function (event)
        if event.room == room then event.occupant.nick = "${room}@conference.localhost/given"; end
      end, 100)`,
    );
    const member = await members.joins(room, { ...guest, selfPingAfterMs: 200 });
    await member.bus.publish('under another name');
    expect(member.heard.lines).to.deep.equal(['under another name']);
  });
});

describe('XMPP: a server that ends sessions', () => {
  let server: Promise<ProsodyBroker> | undefined;
  const start = (): Promise<ProsodyBroker> => (server ??= startProsody());
  const members = Members.at(start);
  after(async () => (await server)?.stop());

  it('is joined again when it has ended the session', async () => {
    const { bus, heard } = await members.joins(members.newRoom());
    await (await start()).dropSessions('unstale');
    await heard.until('resumed possible');
    await bus.publish('after');
    expect(heard.lines[0]).to.match(/^interrupted BUS_(UNREACHABLE|EVICTED)$/);
  });

  it('is joined again when it has been killed and started again', async () => {
    const broker = await start();
    const { bus, heard } = await members.joins(members.newRoom());
    await broker.kill();
    await heard.until('interrupted BUS_UNREACHABLE');
    await broker.start();
    await heard.until('resumed possible');
    await bus.publish('after');
  });

  it('is joined again when it was shut down and started again', async () => {
    const broker = await start();
    const { bus, heard } = await members.joins(members.newRoom());
    await broker.terminate();
    await heard.until((lines) => lines.some((line) => line.startsWith('interrupted')));
    await broker.start();
    await heard.until('resumed possible');
    await bus.publish('after');
  });

  it('is noticed when it stands still, and nothing is lost where it goes on', async () => {
    const broker = await start();
    const quick = { requestAckIntervalMs: 200, ackTimeoutMs: 500 };
    const { bus, heard } = await members.joins(members.newRoom(), quick);
    broker.pause();
    try {
      const afterMs = await heard.until('interrupted BUS_UNREACHABLE');
      expect(afterMs).to.be.lessThan(3_000);
    } finally {
      broker.resume();
    }
    await heard.until('resumed none');
    await bus.publish('after');
    expect(heard.lines).to.deep.equal(['interrupted BUS_UNREACHABLE', 'resumed none', 'after']);
  });

  it('refuses who comes back with a password that was changed meanwhile', async () => {
    const broker = await start();
    await broker.addUser('changed', 'old-secret');
    const account = { username: 'changed', password: 'old-secret' };
    const { bus, heard, line } = await members.joins(members.newRoom(), account);
    await broker.setPassword('changed', 'new-secret');
    line.cut();
    await heard.until('failed BUS_ACCESS_DENIED');
    expect(bus.state).to.equal('closed');
  });
});
