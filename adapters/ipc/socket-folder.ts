import { createHash, randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';

import { BusError } from '../../src/index.ts';
import type { MeetingPlace } from './meeting-place.ts';

/**
 * A folder per channel with at most one socket in it. The socket's name is new for every hub, so removing a dead
 * one by name can never hit a live one; and a folder can be renamed onto another only while that one is empty or
 * missing (rename(2)), so of many who claim the place exactly one succeeds.
 */
export class SocketFolder implements MeetingPlace {
  readonly key: string;
  readonly #parent: string;
  readonly #folder: string;

  /** @throws {TypeError} if the path of a socket would be longer than the system allows */
  constructor(options: { readonly folder: string; readonly channel: string }) {
    this.#parent = options.folder;
    this.#folder = join(options.folder, folderName(options.channel));
    this.key = this.#folder;
    const bytes = Buffer.byteLength(join(this.#folder, newSocketName()));
    if (bytes > MAX_SOCKET_PATH_BYTES) {
      throw new TypeError(
        `options.folder is too long: the socket's path would have ${bytes} bytes, and the system allows ${MAX_SOCKET_PATH_BYTES}`,
      );
    }
  }

  async find(): Promise<string | undefined> {
    await this.#checkParent();
    const names = await readdir(this.#folder).catch(unless('ENOENT', []));
    const socket = names.find((name) => name.endsWith(SOCKET_SUFFIX));
    if (socket === undefined && names.length > 0) {
      const message = `${this.#folder} holds something that is no socket; remove it, or choose another folder`;
      throw new BusError('BUS_MISCONFIGURED', message);
    }
    return socket === undefined ? undefined : join(this.#folder, socket);
  }

  async forget(address: string): Promise<void> {
    await unlink(address).catch(unless('ENOENT', undefined));
    // Another hub may have moved in by now: then the folder is not empty, and stays.
    await rmdir(this.#folder).catch(unless(['ENOENT', 'ENOTEMPTY', 'EEXIST'], undefined));
  }

  async claim(listen: (address: string) => Promise<void>): Promise<string | undefined> {
    await this.#sweep();
    const draft = join(this.#parent, `${DRAFT_PREFIX}${randomBytes(4).toString('hex')}`);
    const socket = newSocketName();
    await mkdir(draft, { mode: 0o700 });
    try {
      await listen(join(draft, socket));
      await rename(draft, this.#folder);
      return join(this.#folder, socket);
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      if (hasCode(error, ['ENOTEMPTY', 'EEXIST'])) return undefined;
      throw error;
    }
  }

  async stands(address: string): Promise<boolean> {
    return await lstat(address).then(
      () => true,
      (error: unknown) => !hasCode(error, ['ENOENT', 'ENOTDIR']),
    );
  }

  /** Whoever can write here can pose as the hub, so it must be ours alone. */
  async #checkParent(): Promise<void> {
    await mkdir(this.#parent, { recursive: true, mode: 0o700 });
    const found = await lstat(this.#parent);
    if (!found.isDirectory()) {
      throw new BusError('BUS_MISCONFIGURED', `${this.#parent} is not a folder; choose another`);
    }
    if (found.uid !== process.getuid?.()) {
      const message = `${this.#parent} belongs to another user; remove it, or choose another folder`;
      throw new BusError('BUS_ACCESS_DENIED', message);
    }
    if ((found.mode & 0o077) !== 0) {
      const message = `${this.#parent} is open to other users; run chmod 700 on it, or choose another folder`;
      throw new BusError('BUS_ACCESS_DENIED', message);
    }
  }

  /** Removes what processes left behind that were killed in the middle of a claim. */
  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#parent)) {
      if (!name.startsWith(DRAFT_PREFIX)) continue;
      const draft = join(this.#parent, name);
      const found = await lstat(draft).catch(unless('ENOENT', undefined));
      if (found === undefined || Date.now() - found.mtimeMs < DRAFT_LIFETIME_MS) continue;
      await rm(draft, { recursive: true, force: true });
    }
  }
}

/** `sun_path` has 108 bytes on Linux and 104 elsewhere, the final zero included. */
const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103;
const SOCKET_SUFFIX = '.sock';
const DRAFT_PREFIX = '.claim-';
const DRAFT_LIFETIME_MS = 60_000;

function newSocketName(): string {
  return `${randomBytes(4).toString('hex')}${SOCKET_SUFFIX}`;
}

/** A plain name is kept, so that a person finds it; any other is hashed. Lower case, as some file systems fold it. */
function folderName(channel: string): string {
  if (/^[a-z0-9][a-z0-9._-]{0,31}$/.test(channel)) return channel;
  return `=${createHash('sha256').update(JSON.stringify(channel)).digest('hex').slice(0, 24)}`;
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    codes.includes(error.code)
  );
}

/** For `catch`: turns an expected error into a value. */
function unless<T>(code: string | readonly string[], value: T): (error: unknown) => T {
  return (error) => {
    if (hasCode(error, typeof code === 'string' ? [code] : code)) return value;
    throw error;
  };
}
