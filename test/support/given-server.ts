/** A server that somebody else runs, from a URL such as `stomp://user:password@host:port/channel`. */
export interface GivenServer {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** What stands behind the first slash: the channel. */
  readonly channel: string;
}

/**
 * Reads the server that an environment variable leads to; `undefined` where it is not set.
 * @throws {Error} if it is set to something else; the message never holds the value, which has a password in it
 */
export function givenServer(
  variable: string,
  protocol: string,
  defaultPort: number,
): GivenServer | undefined {
  const text = process.env[variable];
  if (text === undefined || text === '') return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== `${protocol}:` || url.hostname === '' || url.username === '') {
    throw new Error(`${variable} must look like ${protocol}://user:password@host:port/channel`);
  }
  return {
    host: url.hostname,
    port: url.port === '' ? defaultPort : Number(url.port),
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    channel: decodeURIComponent(url.pathname.slice(1)),
  };
}
