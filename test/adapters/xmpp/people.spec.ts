import { xml } from '@xmpp/client';
import { expect } from 'chai';
import type { BusReceiver, ForeignMessage } from '../../../src/index.ts';
import { prosody } from '../../support/brokers.ts';
import { Members } from './members.ts';

describe('XMPP: people in the room', () => {
  const members = Members.at(prosody);

  it('read the summary of a frame and nothing of frames without one', async () => {
    const room = members.newRoom();
    const { bus } = await members.joins(room);
    const person = await members.person(room);
    await bus.publish('{"t":"beat"}');
    await bus.publish('{"t":"inv"}', { summary: 'article:42' });
    await bus.publish('{"t":"beat"}');
    await bus.publish('{"t":"inv"}', { summary: 'article:43' });
    await person.until(() => person.read.includes('article:43'));
    expect(person.read).to.deep.equal(['article:42', 'article:43']);
  });

  it('read a summary whatever is in it, as far as XML can hold it', async () => {
    const room = members.newRoom();
    const { bus } = await members.joins(room);
    const person = await members.person(room);
    await bus.publish('1', { summary: 'a\u0000b\uFFFEc\uD800d <&> \u{1F389}' });
    await bus.publish('2', { summary: 'x'.repeat(100_000) });
    await person.until(() => person.read.length === 2);
    expect(person.read[0]).to.equal('a\uFFFDb\uFFFDc\uFFFDd <&> \u{1F389}');
    expect(person.read[1]).to.match(/^x{2000}$/);
  });

  it('are heard with their text, their name and the same id by everybody', async () => {
    const room = members.newRoom();
    const heard: ForeignMessage[][] = [[], []];
    for (const list of heard) {
      const { bus } = await members.bus(room);
      await bus.open(receiver((message) => list.push(message)));
    }
    const person = await members.person(room);
    await person.types('article:42 \u6F22\u5B57 \u{1F389} <b>&amp;</b>');
    const sentinel = await members.joins(room);
    await sentinel.bus.publish('done');
    await sentinel.heard.until('done');
    const [first, second] = heard.map((list) => list[0]);
    expect(first?.text).to.equal('article:42 \u6F22\u5B57 \u{1F389} <b>&amp;</b>');
    expect(first?.sender).to.equal('unstale@localhost');
    expect(first?.id).to.have.length.above(10);
    expect(second).to.deep.equal(first);
    expect(heard[0]).to.have.lengthOf(1);
  });

  it('are told by their place in the room where the room hides who they are', async () => {
    const room = members.newRoom();
    const server = await prosody();
    const heard: ForeignMessage[] = [];
    const first = await members.joins(room);
    await server.runInRoom(room, 'require "util.array"; room:set_whois("moderators")');
    await server.addUser('plain', 'plain-secret');
    const plain = { username: 'plain', password: 'plain-secret' };
    const { bus } = await members.bus(room, plain);
    await bus.open(receiver((message) => heard.push(message)));
    const person = await members.person(room);
    await person.types('hello');
    await first.bus.publish('done');
    await first.heard.until('done');
    expect(heard.map(({ sender }) => sender)).to.deep.equal([
      `${room}@conference.localhost/person`,
    ]);
  });

  it('may send what was delayed on its way, and it is heard with the time of its sending', async () => {
    const room = members.newRoom();
    const heard: (ForeignMessage | string)[] = [];
    const { bus } = await members.bus(room);
    await bus.open(
      receiver(
        (message) => heard.push(message),
        (frame) => heard.push(frame),
      ),
    );
    const person = await members.person(room);
    const delay = xml('delay', { xmlns: 'urn:xmpp:delay', stamp: '2020-01-02T03:04:05Z' });
    const type = 'groupchat';
    await person.sends(xml('message', { type }, xml('body', {}, 'old news'), delay));
    await person.sends(
      xml('message', { type }, xml('json', { xmlns: 'urn:xmpp:json:0' }, 'f'), delay),
    );
    await person.types('fresh');
    await bus.publish('done');
    const [old, frame, fresh] = heard;
    expect(old).to.include({ text: 'old news', sentAt: Date.UTC(2020, 0, 2, 3, 4, 5) });
    expect(frame).to.equal('f');
    expect(fresh).to.include({ text: 'fresh' }).and.not.have.property('sentAt');
  });

  it('are not heard when they whisper, change the subject, or ask a node something', async () => {
    const room = members.newRoom();
    const member = await members.joins(room, { label: 'node' });
    const person = await members.person(room);
    const server = await prosody();
    const nick = /node~[0-9a-f]+/.exec(
      await server.runInRoom(room, 'for nick in room:each_occupant() do print(nick) end'),
    )?.[0];
    const to = `${room}@conference.localhost/${nick}`;
    const body = xml('body', {}, 'psst');
    await person.sends(xml('message', { to, type: 'chat' }, body));
    await person.sends(xml('message', { to, type: 'normal' }, xml('body', {}, 'psst')));
    await person.sends(xml('message', { type: 'groupchat' }, xml('subject', {}, 'cache')));
    await person.sends(
      xml('iq', { to, type: 'get', id: '1' }, xml('query', { xmlns: 'jabber:iq:version' })),
    );
    await person.types('aloud');
    await member.bus.publish('done');
    await member.heard.until('done');
    expect(member.heard.lines.map((line) => line.replace(/^foreign \S+/, 'foreign'))).to.deep.equal(
      ['foreign aloud', 'done'],
    );
  });
});

function receiver(
  onForeign: (message: ForeignMessage) => void,
  onFrame: (frame: string) => void = () => undefined,
): BusReceiver {
  return { onFrame, onForeign, onContinuity: () => undefined };
}
