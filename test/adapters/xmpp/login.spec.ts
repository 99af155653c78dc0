import { expect } from 'chai';
import { prosody } from '../../support/brokers.ts';
import { Members, refusalOf } from './members.ts';
import { greeting, mechanisms, StrangeServer } from './strange-server.ts';

describe('XMPP: logging in', () => {
  const members = Members.at(prosody);

  /** What `open` makes of a server that answers so, and what the server has heard. */
  async function refusedBy(
    answer: (heard: string) => string | undefined,
  ): Promise<{ code: unknown; message: string; heard: string }> {
    let heard = '';
    await using server = await StrangeServer.that((text) => {
      heard += text;
      return answer(text);
    });
    const options = { service: `xmpp://127.0.0.1:${server.port}`, password: 'the-secret' };
    const { bus, heard: told } = await members.bus('x', options);
    const refusal = await refusalOf(bus.open(told.receiver));
    expect(told.lines).to.deep.equal([]);
    return { ...refusal, heard };
  }

  it('never tells the password on a line that is not encrypted', async () => {
    const { code, message, heard } = await refusedBy((text) =>
      text.includes('<stream:stream') ? greeting(mechanisms('PLAIN')) : undefined,
    );
    expect(code).to.equal('BUS_MISCONFIGURED');
    expect(message).to.match(/not encrypted: use xmpps:\/\//);
    expect(heard).to.not.include('<auth').and.not.include('the-secret');
  });

  it('says which ways to log in it would know', async () => {
    const { code, message } = await refusedBy((text) =>
      text.includes('<stream:stream')
        ? greeting(mechanisms('SCRAM-SHA-1-PLUS', 'GSSAPI'))
        : undefined,
    );
    expect(code).to.equal('BUS_MISCONFIGURED');
    expect(message).to.match(/none of SCRAM and PLAIN|No compatible mechanism/);
  });

  it('says so where a server offers no way to log in', async () => {
    const { code, message } = await refusedBy((text) =>
      text.includes('<stream:stream') ? greeting('') : undefined,
    );
    expect(code).to.equal('BUS_MISCONFIGURED');
    expect(message).to.match(/no way to log in/);
  });

  it('does not do the work of a server that asks for a billion rounds of hashing', async () => {
    const { code, message } = await refusedBy((text) => {
      if (text.includes('<stream:stream')) return greeting(mechanisms('SCRAM-SHA-1'));
      return challenge(text, ({ nonce }) => `r=${nonce}more,s=c2FsdA==,i=1000000000`);
    });
    expect(code).to.equal('BUS_UNREACHABLE');
    expect(message).to.match(/does not follow SCRAM/);
  });

  it('does not answer a challenge that belongs to somebody else', async () => {
    const { message } = await refusedBy((text) => {
      if (text.includes('<stream:stream')) return greeting(mechanisms('SCRAM-SHA-256'));
      return challenge(text, () => 'r=another,s=c2FsdA==,i=4096');
    });
    expect(message).to.match(/does not follow SCRAM/);
  });

  it('does not believe a server that does not know the password', async () => {
    const { code, message } = await refusedBy((text) => {
      if (text.includes('<stream:stream')) return greeting(mechanisms('SCRAM-SHA-1'));
      if (text.includes('<response')) {
        const last = Buffer.from('v=bm90IHRoZSBzaWduYXR1cmU=').toString('base64');
        return `<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${last}</success>`;
      }
      return challenge(text, ({ nonce }) => `r=${nonce}more,s=c2FsdA==,i=4096`);
    });
    expect(code).to.equal('BUS_ACCESS_DENIED');
    expect(message).to.match(/not the server that it claims to be/);
  });

  it('waits for a server that cannot check passwords now', async () => {
    const { code } = await refusedBy((text) => {
      if (text.includes('<stream:stream')) return greeting(mechanisms('SCRAM-SHA-1'));
      return "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><temporary-auth-failure/></failure>";
    });
    expect(code).to.equal('BUS_UNREACHABLE');
  });

  it('is not sent elsewhere by a server', async () => {
    await using elsewhere = await StrangeServer.that(() => undefined);
    const { code, message } = await refusedBy(
      () =>
        greeting('') +
        `<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>127.0.0.1:${elsewhere.port}</see-other-host></stream:error>`,
    );
    expect(code).to.be.oneOf(['BUS_UNREACHABLE', 'BUS_MISCONFIGURED']);
    expect(message).to.match(/elsewhere|no way to log in/);
  });

  it('takes any name and any password that an account can have', async () => {
    const server = await prosody();
    const account = {
      username: '\u00FCn\u00EFc\u00F6de=1,2',
      password: 'p\u00E4ss, w=rd \u{1F511} \u2168',
    };
    await server.addUser(account.username, account.password);
    const { bus } = await members.joins(members.newRoom(), account);
    await bus.publish('in');
  });
});

/** Answers a client's first SCRAM message. */
function challenge(
  text: string,
  make: (client: { readonly nonce: string }) => string,
): string | undefined {
  const first = /<auth [^>]*>([^<]*)<\/auth>/.exec(text)?.[1];
  if (first === undefined) return undefined;
  const nonce = /r=(.*)$/.exec(Buffer.from(first, 'base64').toString())?.[1] ?? '';
  const said = Buffer.from(make({ nonce })).toString('base64');
  return `<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${said}</challenge>`;
}
