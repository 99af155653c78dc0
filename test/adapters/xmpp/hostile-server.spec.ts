import { expect } from 'chai';
import { prosody } from '../../support/brokers.ts';
import { Members, type Member } from './members.ts';
import { StrangeServer } from './strange-server.ts';

/** What is not well-formed, or too much: the line is given up and made again. */
const UNBEARABLE: Readonly<Record<string, string>> = {
  'an entity that does not exist': '<message><body>&bomb;</body></message>',
  'a character that XML cannot hold': '<message><body>&#0;</body></message>',
  'an end without a beginning': '</message>',
  'the end of another element': '<message></iq>',
  'half a stanza': '<message><body>half',
  'a stream error without a condition': '<stream:error></stream:error>',
  'a stream error':
    "<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
  'addresses that are none': "<message from='@' to='/' type='groupchat'><body>x</body></message>",
  'the end of the stream': '</stream:stream>',
  'five megabytes in one stanza': `<message><body>${'x'.repeat(5_000_000)}</body></message>`,
  'two million elements inside each other': '<a>'.repeat(2_000_000),
  'an attribute of five megabytes': `<message id='${'x'.repeat(5_000_000)}'/>`,
};

/** What makes no sense, and no difference. */
const BEARABLE: Readonly<Record<string, string>> = {
  'a message from nobody': "<message type='groupchat'><body>x</body></message>",
  'an answer that nobody asked for': "<iq type='result' id='7'/><iq type='error' id='8'/>",
  'a request without a child': "<iq type='get' id='9' from='localhost'/>",
  'a request for nothing we know': "<iq type='set' id='10' from='localhost'><q xmlns='x'/></iq>",
  'a ping': "<iq type='get' id='11' from='localhost'><ping xmlns='urn:xmpp:ping'/></iq>",
  'a presence of an unknown kind': "<presence from='localhost' type='unheard-of'/>",
  'an error about nothing': "<message from='ROOM' type='error'/>",
  'an error with an unknown id':
    "<message from='ROOM' type='error' id='__proto__'><error><forbidden/></error></message>",
  'an element that is no stanza': "<stranger xmlns='urn:strange'/>",
  spaces: ' '.repeat(10_000),
};

describe('XMPP: a server that sends strange things', () => {
  const members = Members.at(prosody);

  async function attached(server: StrangeServer): Promise<Member & { readonly room: string }> {
    const room = members.newRoom();
    const service = `xmpp://127.0.0.1:${server.port}`;
    // Half an element is noticed by the silence that follows.
    const quick = { requestAckIntervalMs: 200, ackTimeoutMs: 800 };
    return { ...(await members.joins(room, { service, ...quick })), room };
  }

  for (const [name, text] of Object.entries(UNBEARABLE)) {
    it(`${name}: is heard as an interruption, and the bus attaches again`, async () => {
      await using server = await StrangeServer.before(await prosody());
      const { bus, heard } = await attached(server);
      server.says(text);
      await heard.until((lines) => lines.some((line) => line.startsWith('resumed')));
      await bus.publish('after');
      expect(heard.lines[0]).to.match(/^interrupted BUS_/);
      expect(heard.lines.at(-1)).to.equal('after');
      await bus.close();
    });
  }

  it('strange stanzas make no difference', async () => {
    await using server = await StrangeServer.before(await prosody());
    const { bus, heard, room } = await attached(server);
    for (const text of Object.values(BEARABLE)) {
      server.says(text.replaceAll('ROOM', `${room}@conference.localhost/x`));
    }
    await bus.publish('after');
    expect(heard.lines).to.deep.equal(['after']);
    await bus.close();
  });

  it('characters that arrive in pieces are put together', async () => {
    await using server = await StrangeServer.before(await prosody());
    const { bus, heard, room } = await attached(server);
    const from = `${room}@conference.localhost/somebody`;
    const message = `<message from='${from}' type='groupchat' id='1'><body>\u6F22\u{1F389}\u00E9</body></message>`;
    for (const byte of Buffer.from(message)) {
      server.says(Buffer.from([byte]));
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    await heard.until((lines) => lines.some((line) => line.startsWith('foreign')));
    expect(heard.lines[0]).to.match(/ \u6F22\u{1F389}\u00E9$/u);
    await bus.close();
  });
});
