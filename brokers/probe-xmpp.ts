import { probeTcp } from './probe-tcp.ts';

/** Whether the server offers a client to log in (or to encrypt first). */
export async function probeXmpp(server: {
  readonly host: string;
  readonly port: number;
  readonly domain: string;
}): Promise<void> {
  await probeTcp({
    host: server.host,
    port: server.port,
    hello:
      `<?xml version='1.0'?><stream:stream to='${server.domain}' version='1.0' xmlns='jabber:client' ` +
      `xmlns:stream='http://etherx.jabber.org/streams'>`,
    expect: /<mechanism>|<starttls/,
  });
}
