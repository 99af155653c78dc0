import type { Dirent } from 'node:fs';
import { access, constants, lstat, opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { usageError } from '../user-error.ts';

/** Files that are served at most; further ones are counted and left out. */
export const MAX_RESOURCES = 1_000;
/** A larger file is left out: every server would hold it in memory. */
export const MAX_RESOURCE_BYTES: number = 256 * 1_024;
/** Names that are looked at in all; then the search ends. */
export const MAX_NAMES = 250_000;
/** A longer id is no key of a cache. */
const MAX_ID_CHARS = 1_024;

export interface Resource {
  /** Its path below the folder, with slashes: what people and caches call it. */
  readonly id: string;
  readonly path: string;
}

export interface ResourceList {
  readonly resources: readonly Resource[];
  /** Why files were left out, and how many for each reason. */
  readonly leftOut: ReadonlyMap<string, number>;
}

/**
 * The files of a folder and its subfolders, those nearest to the top first. Symbolic links are not followed;
 * what is hidden, `node_modules` and the `ignored` names are left alone.
 * @throws {UserError} if there is no such folder, or nothing in it that can be served
 */
export async function listResources(
  folder: string,
  ignored: readonly string[] = [],
): Promise<ResourceList> {
  await checkFolder(folder);
  const resources: Resource[] = [];
  const leftOut = new Map<string, number>();
  const leave = (why: string): void => {
    leftOut.set(why, (leftOut.get(why) ?? 0) + 1);
  };
  const search = { namesLeft: MAX_NAMES, ignored: new Set([...ignored, 'node_modules']) };
  for (const queue = ['']; queue.length > 0;) {
    const below = queue.shift() ?? '';
    for (const entry of await namesOf(join(folder, below), search, leave)) {
      const id = `${below}${entry.name}`;
      if (entry.isDirectory()) queue.push(`${id}/`);
      else if (resources.length >= MAX_RESOURCES && entry.isFile()) {
        leave(`beyond the limit of ${MAX_RESOURCES}`);
      } else {
        const path = join(folder, id);
        const why = await whyNot(entry, path, id);
        if (why === undefined) resources.push({ id, path });
        else leave(why);
      }
    }
  }
  if (search.namesLeft === 0) leave(`or more behind the first ${MAX_NAMES} names`);
  if (resources.length === 0) {
    const text = leftOut.size === 0 ? '' : `; left out: ${describeLeftOut(leftOut)}`;
    throw usageError(`${folder} holds no file that can be served${text}`);
  }
  return { resources, leftOut };
}

export function describeLeftOut(leftOut: ResourceList['leftOut']): string {
  return [...leftOut].map(([why, count]) => `${count} ${why}`).join(', ');
}

async function checkFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => error.code ?? 'unknown');
  if (typeof found !== 'string') {
    if (found.isDirectory()) return;
    throw usageError(`--resources takes a folder, and ${folder} is a file`);
  }
  if (found === 'ENOENT' || found === 'ENOTDIR') throw usageError(`there is no folder ${folder}`);
  throw usageError(`the folder ${folder} cannot be read (${found})`);
}

async function namesOf(
  folder: string,
  search: { namesLeft: number; readonly ignored: ReadonlySet<string> },
  leave: (why: string) => void,
): Promise<Dirent[]> {
  const entries: Dirent[] = [];
  try {
    for await (const entry of await opendir(folder, { bufferSize: 1_024 })) {
      if (search.namesLeft === 0) break;
      search.namesLeft -= 1;
      if (!entry.name.startsWith('.') && !search.ignored.has(entry.name)) entries.push(entry);
    }
  } catch {
    leave('in folders that cannot be read');
  }
  return entries.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

async function whyNot(entry: Dirent, path: string, id: string): Promise<string | undefined> {
  if (entry.isSymbolicLink()) return 'symbolic links';
  if (!entry.isFile()) return 'that are no plain files';
  if (id.length > MAX_ID_CHARS) return 'with too long a name';
  try {
    await access(path, constants.R_OK);
    const { size } = await lstat(path);
    return size > MAX_RESOURCE_BYTES ? `larger than ${MAX_RESOURCE_BYTES / 1_024} KiB` : undefined;
  } catch {
    // Also a name that is no UTF-8: what Node makes of it names no file.
    return 'that cannot be read';
  }
}
