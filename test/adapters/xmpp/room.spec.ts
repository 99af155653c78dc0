import { expect } from 'chai';
import type { ProsodyBroker } from '../../../brokers/index.ts';
import { startProsody } from '../../../brokers/index.ts';
import { prosody } from '../../support/brokers.ts';
import { Members, refusalOf } from './members.ts';

describe('XMPP: entering a room', () => {
  const members = Members.at(prosody);
  const guest = { username: 'guest', password: 'guest-secret' };
  before(async () => {
    const { username, password } = guest;
    await (await prosody()).addUser(username, password);
  });

  /** Lets a member make a room, changes it, and lets a guest try. */
  async function refusedAfter(lua: string): Promise<{ code: unknown; message: string }> {
    const server = await prosody();
    const room = members.newRoom();
    await members.joins(room);
    await server.runInRoom(room, lua);
    const { bus, heard } = await members.bus(room, guest);
    const refusal = await refusalOf(bus.open(heard.receiver));
    expect(bus.state).to.equal('closed');
    return refusal;
  }

  it('sets up a room that it has created: persistent, unmoderated, with real addresses, hidden', async () => {
    const server = await prosody();
    const room = members.newRoom();
    await members.joins(room);
    const facts = await server.runInRoom(
      room,
      'print(room:get_persistent(), not room:get_moderated(), room:get_whois(), not room:get_public())',
    );
    expect(facts).to.match(/true\s+true\s+anyone\s+true/);
  });

  it('leaves a room as it is where somebody else has created it', async () => {
    const server = await prosody();
    const room = members.newRoom();
    await members.person(room);
    await server.runInRoom(room, 'room:set_persistent(false); room:set_public(true)');
    await members.joins(room, guest);
    const facts = await server.runInRoom(
      room,
      'print(not room:get_persistent(), room:get_public())',
    );
    expect(facts).to.match(/true\s+true/);
  });

  it('takes another name where its own is taken', async () => {
    const server = await prosody();
    const room = members.newRoom();
    await members.joins(room);
    await server.runInRoom(
      room,
      `local names = {};
      room.names = names;
      prosody.hosts["conference.localhost"].modules.muc.module:hook("muc-occupant-pre-join", function (event)
        if event.room ~= room then return end
        table.insert(names, event.stanza.attr.to);
        if #names > 2 then return end
        event.origin.send(require "util.stanza".error_reply(event.stanza, "cancel", "conflict"));
        return true;
      end, 100)`,
    );
    const { bus } = await members.joins(room, { label: 'same' });
    await bus.publish('hello');
    const names = await server.runInRoom(room, 'print(table.concat(room.names, " "))');
    const asked = names.split(/\s/).filter((name) => name.includes('/same~'));
    expect(new Set(asked).size).to.equal(3);
  });

  it('enters with the password of the room, and is refused without it', async () => {
    const server = await prosody();
    const room = members.newRoom();
    await members.joins(room);
    await server.runInRoom(room, 'room:set_password("room-secret")');
    const inside = await members.joins(room, { ...guest, roomPassword: 'room-secret' });
    await inside.bus.publish('hello');
    for (const wrong of [{}, { roomPassword: 'wrong-secret' }]) {
      const { bus, heard } = await members.bus(room, { ...guest, ...wrong });
      const { code, message } = await refusalOf(bus.open(heard.receiver));
      expect(code).to.equal('BUS_ACCESS_DENIED');
      expect(message)
        .to.match(/set `roomPassword`/)
        .and.not.match(/-secret/);
    }
  });

  it('is refused by a room for members only, and told what to do', async () => {
    const { code, message } = await refusedAfter('room:set_members_only(true)');
    expect(code).to.equal('BUS_MISCONFIGURED');
    expect(message).to.match(/make this account a member/);
  });

  it('is refused where it is banned', async () => {
    const lua = 'assert(room:set_affiliation(true, "guest@localhost", "outcast"))';
    const { code, message } = await refusedAfter(lua);
    expect(code).to.equal('BUS_ACCESS_DENIED');
    expect(message).to.match(/lift the ban/);
  });

  it('is refused by a moderated room that gives it no voice', async () => {
    const { code, message } = await refusedAfter('room:set_moderated(true)');
    expect(code).to.equal('BUS_MISCONFIGURED');
    expect(message).to.match(/unmoderated/);
  });

  it('is refused for the moment by a room that is full', async () => {
    const full = `room._data.max_users = 1;
      prosody.hosts["conference.localhost"].modules.muc.module:hook("muc-occupant-pre-join", function (event)
        if event.room == room then
          event.origin.send(require "util.stanza".error_reply(event.stanza, "wait", "service-unavailable"));
          return true;
        end
      end, 100)`;
    const { code, message } = await refusedAfter(full);
    expect(code).to.equal('BUS_UNREACHABLE');
    expect(message).to.match(/full/);
  });

  it('is refused by a room service that takes frames out of messages, and nobody takes the try for a message', async () => {
    const server = await prosody();
    const room = members.newRoom();
    const witness = await members.joins(room);
    const person = await members.person(room);
    await server.runInRoom(
      room,
      `local clean = function (event)
        if event.room == room then event.stanza:remove_children("json", "urn:xmpp:json:0") end
      end
      room.strip = clean;
      prosody.hosts["conference.localhost"].modules.muc.module:hook("muc-broadcast-message", clean, 1000)`,
    );
    const { bus, heard } = await members.bus(room, guest);
    const { code, message } = await refusalOf(bus.open(heard.receiver));
    expect(code).to.equal('BUS_MISCONFIGURED');
    expect(message).to.match(/takes <json .*let it pass/);
    await person.types('still here');
    await witness.heard.until((lines) => lines.some((line) => line.endsWith('still here')));
    expect(witness.heard.lines).to.have.lengthOf(1);
    const refused = await refusalOf(witness.bus.publish('stripped'));
    expect(refused.code).to.equal('BUS_REJECTED');
    expect(person.read).to.deep.equal(['still here']);
  });

  it('is refused by a server without such a room service', async () => {
    const { bus, heard } = await members.bus('x', { room: 'x@rooms.localhost' });
    const { code, message } = await refusalOf(bus.open(heard.receiver));
    expect(code).to.equal('BUS_MISCONFIGURED');
    expect(message).to.match(/check `room`/);
  });

  it('is refused by a server that does not serve its domain', async () => {
    const { bus, heard } = await members.bus('x', { domain: 'elsewhere.example' });
    const { code, message } = await refusalOf(bus.open(heard.receiver));
    expect(code).to.equal('BUS_MISCONFIGURED');
    expect(message).to.match(/elsewhere\.example: set `domain`/);
  });

  it('does not hear what was said before it came', async () => {
    const server = await prosody();
    const room = members.newRoom();
    const first = await members.joins(room);
    await server.runInRoom(room, 'room:set_historylength(20)');
    const person = await members.person(room);
    await first.bus.publish('early', { summary: 'article:1' });
    await person.types('early too');
    const late = await members.joins(room);
    await late.bus.publish('now');
    expect(late.heard.lines).to.deep.equal(['now']);
  });
});

describe('XMPP: entering a room that is locked until it is configured', () => {
  let server: Promise<ProsodyBroker> | undefined;
  const members = Members.at(() => (server ??= startProsody({ roomLocking: true })));
  after(async () => (await server)?.stop());

  it('unlocks it, and the others wait for that', async () => {
    const room = members.newRoom();
    const all = await Promise.all(Array.from({ length: 8 }, () => members.joins(room)));
    await all[0]?.bus.publish('hello');
    await Promise.all(all.map(({ heard }) => heard.until('hello')));
  });

  it('gives up waiting when nobody unlocks it, and says so', async () => {
    const room = members.newRoom();
    await members.person(room).catch(() => undefined);
    const { bus, heard } = await members.bus(room);
    const { code, message } = await refusalOf(bus.open(heard.receiver));
    expect(code).to.equal('BUS_UNREACHABLE');
    expect(message).to.match(/locked/);
  });
});
