import { access } from 'node:fs/promises';

/** How far up it can be: `src/cli/` in the sources, `dist/src/cli/` when compiled. */
const MAX_LEVELS = 4;

/** The folder of this package, wherever this file was compiled to. Ends with a slash. */
export async function packageFolder(): Promise<URL> {
  let folder = new URL('.', import.meta.url);
  for (let level = 0; level < MAX_LEVELS; level += 1) {
    const found = await access(new URL('package.json', folder)).then(
      () => true,
      () => false,
    );
    if (found) return folder;
    folder = new URL('..', folder);
  }
  throw new Error('package.json of unstale is missing');
}
