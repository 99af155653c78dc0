import { expect } from 'chai';
import { prosody } from '../../support/brokers.ts';
import { TcpProxy } from '../../../conformance-tests/index.ts';
import { Members, refusalOf } from './members.ts';

describe('XMPP over WebSocket (RFC 7395)', () => {
  const members = Members.at(prosody);

  it('shares a room with those who come over TCP', async () => {
    const server = await prosody();
    const room = members.newRoom();
    const web = await members.joins(room, { service: server.websocketUrl });
    const tcp = await members.joins(room);
    const person = await members.person(room);
    await web.bus.publish('from the web', { summary: 'article:42' });
    await tcp.bus.publish('<from> "TCP" & \\ ]]>');
    await person.types('\u6F22\u5B57 \u{1F389}');
    await web.heard.until((lines) => lines.length === 3);
    const heard = web.heard.lines.map((line) => line.replace(/^foreign \S+/, 'foreign'));
    expect(heard).to.deep.equal([
      'from the web',
      '<from> "TCP" & \\ ]]>',
      'foreign \u6F22\u5B57 \u{1F389}',
    ]);
    expect(person.read).to.include('article:42');
  });

  it('is resumed after a cut', async () => {
    const server = await prosody();
    const url = new URL(server.websocketUrl);
    await using line = await TcpProxy.to({ host: '127.0.0.1', port: Number(url.port) });
    url.port = String(line.port);
    const room = members.newRoom();
    const { bus, heard } = await members.joins(room, { service: url.href });
    const other = await members.joins(room);
    line.sever();
    await heard.until('interrupted BUS_UNREACHABLE');
    await other.bus.publish('meanwhile');
    line.heal();
    await heard.until('resumed none');
    await bus.publish('after');
    expect(heard.lines.slice(1)).to.deep.equal(['resumed none', 'meanwhile', 'after']);
    await bus.close();
  });

  it('passes 200 frames at once, each of the largest size', async () => {
    const server = await prosody();
    const { bus, heard } = await members.joins(members.newRoom(), { service: server.websocketUrl });
    const frames = Array.from({ length: 200 }, (_, index) => `${index}`.padEnd(8_192, '&'));
    await Promise.all(frames.map((frame) => bus.publish(frame)));
    expect(heard.lines).to.deep.equal(frames);
  });

  it('says so where there is a web server and no XMPP', async () => {
    const server = await prosody();
    for (const path of ['/', '/nowhere']) {
      const service = new URL(path, server.websocketUrl).href;
      const { bus, heard } = await members.bus('x', { service });
      const { code, message } = await refusalOf(bus.open(heard.receiver));
      expect(code).to.equal('BUS_UNREACHABLE');
      expect(message).to.match(/Unexpected server response: \d+/);
    }
  });
});
