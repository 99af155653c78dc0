import { DEFAULT_CHANNEL, type BusConfig } from './bus-config.ts';

/** The forms in which a bus is named, for help texts and error messages. */
export const BUS_URL_FORMS: readonly string[] = [
  'memory:[CHANNEL]',
  'ipc:[CHANNEL][?folder=DIR]',
  'xmpp://USER:PASSWORD@HOST[:PORT]/ROOM@SERVICE[?domain=DOMAIN]',
  'xmpps://…',
  'ws+xmpp://USER:PASSWORD@HOST[:PORT]/ROOM@SERVICE[?path=/xmpp-websocket]',
  'wss+xmpp://…',
  'stomp://USER:PASSWORD@HOST[:PORT]/TOPIC[?vhost=NAME]',
  'stomps://…',
  'amqp://USER:PASSWORD@HOST[:PORT]/VHOST[?exchange=NAME]',
  'amqps://…',
];

/** Longer ones are refused before they are looked at. */
const MAX_URL_CHARS = 4_096;

/** A URL taken apart, everything decoded. */
interface Parts {
  readonly scheme: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Without its leading slash. */
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
}

interface Scheme {
  readonly queryNames: readonly string[];
  readonly read: (parts: Parts) => BusConfig;
}

const SCHEMES: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ['memory', { queryNames: [], read: readMemory }],
  ['ipc', { queryNames: ['channel', 'folder'], read: readIpc }],
  ['xmpp', { queryNames: ['domain'], read: (parts) => readXmpp(parts, 'xmpp') }],
  ['xmpps', { queryNames: ['domain'], read: (parts) => readXmpp(parts, 'xmpps') }],
  ['ws+xmpp', { queryNames: ['domain', 'path'], read: (parts) => readXmpp(parts, 'ws') }],
  ['wss+xmpp', { queryNames: ['domain', 'path'], read: (parts) => readXmpp(parts, 'wss') }],
  ['stomp', { queryNames: ['vhost'], read: (parts) => readStomp(parts, false) }],
  ['stomps', { queryNames: ['vhost'], read: (parts) => readStomp(parts, true) }],
  ['amqp', { queryNames: ['exchange'], read: (parts) => readAmqp(parts, false) }],
  ['amqps', { queryNames: ['exchange'], read: (parts) => readAmqp(parts, true) }],
]);

/** The account of a bus, where its URL does not tell it. */
export interface BusAccount {
  readonly username?: string;
  readonly password?: string;
}

/**
 * Reads a bus URL. What a URL cannot hold as it is (`/`, `?`, `#`, `@`, `%`) is percent-encoded in it. What `account`
 * has wins over what the URL has, so that a password need not stand in it.
 * @throws {TypeError} that says what is wrong and what is expected, and never holds a user name or a password
 */
export function parseBusUrl(url: string, account: BusAccount = {}): BusConfig {
  const { name, scheme } = schemeOf(url);
  return scheme.read({ ...partsOf(url, name, scheme.queryNames), ...account });
}

/** A bus URL as it may be shown: without its password, and without anything at all if it cannot be read. */
export function showBusUrl(url: string): string {
  const { name } = schemeOf(url);
  if (name === 'memory' || name === 'ipc') return url;
  const parsed = url.slice(name.length).startsWith('://') ? parsedUrl(url) : undefined;
  if (parsed === undefined) return `${name}:…`;
  parsed.password = '';
  return parsed.href;
}

function schemeOf(url: string): { readonly name: string; readonly scheme: Scheme } {
  if (typeof url !== 'string') throw new TypeError(`a bus URL is a text, got ${typeof url}`);
  if (url.length > MAX_URL_CHARS) {
    throw new TypeError(`a bus URL has at most ${MAX_URL_CHARS} characters, got ${url.length}`);
  }
  const name = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  const scheme = name === undefined ? undefined : SCHEMES.get(name);
  if (name !== undefined && scheme !== undefined) return { name, scheme };
  const known = [...SCHEMES.keys()].map((each) => `${each}:`).join(', ');
  // A word before a colon may be a user name; it is shown only where it clearly is a scheme.
  const got =
    name !== undefined && url.slice(name.length).startsWith('://') ? `, got ${name}:` : '';
  throw new TypeError(`a bus URL begins with one of ${known}${got}`);
}

function partsOf(url: string, scheme: string, queryNames: readonly string[]): Parts {
  // A `#` cuts off everything behind it: it is in a password that should have been encoded.
  if (url.includes('#')) throw new TypeError(`this ${scheme}: URL holds a "#"; write it as %23`);
  const parsed = parsedUrl(url);
  if (parsed === undefined) {
    throw new TypeError(
      `this ${scheme}: URL cannot be read: the host or the port is wrong, or user name or password hold ` +
        'one of / ? # @ % that is not percent-encoded',
    );
  }
  const isPath = parsed.pathname.startsWith('/');
  return {
    scheme,
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port === '' ? undefined : Number(parsed.port),
    username: parsed.username === '' ? undefined : decoded(scheme, 'user name', parsed.username),
    password: parsed.password === '' ? undefined : decoded(scheme, 'password', parsed.password),
    path: decoded(
      scheme,
      'path',
      isPath && parsed.host !== '' ? parsed.pathname.slice(1) : parsed.pathname,
    ),
    query: queryOf(parsed, scheme, queryNames),
  };
}

function parsedUrl(url: string): URL | undefined {
  // The error of `new URL` holds its input, and with it the password.
  return URL.canParse(url) ? new URL(url) : undefined;
}

function decoded(scheme: string, what: string, text: string): string {
  let plain: string;
  try {
    plain = decodeURIComponent(text);
  } catch {
    throw new TypeError(
      `the ${what} in this ${scheme}: URL holds a "%" that is no percent-encoding`,
    );
  }
  // oxlint-disable-next-line no-control-regex -- a control character is exactly what is looked for
  if (/[\u0000-\u001f\u007f]/.test(plain)) {
    throw new TypeError(`the ${what} in this ${scheme}: URL holds a control character`);
  }
  return plain;
}

function queryOf(parsed: URL, scheme: string, names: readonly string[]): Map<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of parsed.searchParams) {
    if (!names.includes(name)) {
      const expected = names.length === 0 ? 'it takes none' : `it takes ${names.join(', ')}`;
      // The name is not shown: it may be the rest of a password with a `?` in it.
      throw new TypeError(`this ${scheme}: URL has an unknown parameter behind "?"; ${expected}`);
    }
    if (value === '') throw new TypeError(`${name}= in this ${scheme}: URL is empty`);
    if (query.has(name)) throw new TypeError(`${name}= is given twice in this ${scheme}: URL`);
    query.set(name, value);
  }
  return query;
}

function readMemory({ path, host }: Parts): BusConfig {
  if (host !== '') throw new TypeError('memory: has no host; write memory: or memory:CHANNEL');
  return { transport: 'memory', channel: path === '' ? DEFAULT_CHANNEL : path };
}

function readIpc({ path, host, query }: Parts): BusConfig {
  if (host !== '') throw new TypeError('ipc: has no host; write ipc:, ipc:CHANNEL or ipc:/FOLDER');
  const isFolder = path.startsWith('/');
  if (isFolder && query.has('folder')) {
    throw new TypeError('ipc: has two folders, one as its path and one as folder=');
  }
  if (!isFolder && path !== '' && query.has('channel')) {
    throw new TypeError('ipc: has two channels, one as its path and one as channel=');
  }
  const folder = isFolder ? path : query.get('folder');
  const channel = isFolder || path === '' ? query.get('channel') : path;
  return {
    transport: 'ipc',
    channel: channel ?? DEFAULT_CHANNEL,
    ...(folder === undefined ? {} : { folder }),
  };
}

function readXmpp(parts: Parts, protocol: 'xmpp' | 'xmpps' | 'ws' | 'wss'): BusConfig {
  const { scheme, port, path: room, username, password, query } = parts;
  const host = hostOf(parts);
  const form = `${scheme}://USER:PASSWORD@${HOST_FORM}/ROOM@SERVICE`;
  if (username === undefined || password === undefined) {
    throw new TypeError(
      `this ${scheme}: URL has no ${username === undefined ? 'user name' : 'password'}; write ${form}, or ${OTHER_PLACES}`,
    );
  }
  const roomAt = room.lastIndexOf('@');
  if (roomAt < 1 || roomAt === room.length - 1) {
    throw new TypeError(
      `this ${scheme}: URL has no room as its path, such as cache@conference.example.com; write ${form}`,
    );
  }
  const isWebSocket = protocol === 'ws' || protocol === 'wss';
  const path = isWebSocket ? (query.get('path') ?? '/xmpp-websocket') : '';
  if (path !== '' && !path.startsWith('/')) throw new TypeError('path= must begin with a slash');
  // A whole address is taken too: everything behind its last @ is the account's domain.
  const at = username.lastIndexOf('@');
  const domain = query.get('domain') ?? (at > 0 ? username.slice(at + 1) : undefined);
  return {
    transport: 'xmpp',
    service: `${protocol}://${bracketed(host)}${port === undefined ? '' : `:${port}`}${path}`,
    room,
    username: at > 0 ? username.slice(0, at) : username,
    password,
    ...(domain === undefined ? {} : { domain }),
  };
}

function readStomp(parts: Parts, tls: boolean): BusConfig {
  const { port, path, query } = parts;
  const vhost = query.get('vhost');
  const { username, password } = credentialsOf(parts);
  if (username === undefined || password === undefined) {
    throw new TypeError(
      `this ${parts.scheme}: URL has no user name; write ${parts.scheme}://USER:PASSWORD@${HOST_FORM}/TOPIC, or ${OTHER_PLACES}`,
    );
  }
  return {
    transport: 'stomp',
    host: hostOf(parts),
    port: port ?? (tls ? 61_614 : 61_613),
    ...(tls ? { tls: {} } : {}),
    username,
    password,
    // People copy the destination from a console, where it is called /topic/NAME.
    topic: path.replace(/^\/?topic\//, '') || DEFAULT_CHANNEL,
    ...(vhost === undefined ? {} : { vhost }),
  };
}

function readAmqp(parts: Parts, tls: boolean): BusConfig {
  const { port, path, query } = parts;
  return {
    transport: 'amqp',
    host: hostOf(parts),
    port: port ?? (tls ? 5_671 : 5_672),
    ...(tls ? { tls: {} } : {}),
    ...credentialsOf(parts),
    vhost: path || '/',
    exchange: query.get('exchange') ?? DEFAULT_CHANNEL,
  };
}

const HOST_FORM = 'HOST[:PORT]';
const OTHER_PLACES = 'give it as UNSTALE_USERNAME, UNSTALE_PASSWORD or UNSTALE_PASSWORD_FILE';

function hostOf({ host, scheme }: Parts): string {
  const plain = decoded(scheme, 'host', host);
  if (plain === '') throw new TypeError(`this ${scheme}: URL has no host`);
  if (/[\s/@]/.test(plain)) throw new TypeError(`the host in this ${scheme}: URL is wrong`);
  return plain;
}

function credentialsOf({
  username,
  password,
  scheme,
}: Parts): Partial<Readonly<Record<'username' | 'password', string>>> {
  if (username === undefined && password === undefined) return {};
  if (username === undefined || password === undefined) {
    const missing = username === undefined ? 'user name' : 'password';
    throw new TypeError(
      `this ${scheme}: URL has no ${missing}; give both or none, or ${OTHER_PLACES}`,
    );
  }
  return { username, password };
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
