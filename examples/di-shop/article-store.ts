import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Article {
  readonly text: string;
}

/** Where articles live: here a folder that all servers share, in earnest S3 or a database. It is slow. */
export class ArticleStore {
  readonly #folder: string;
  /** How often it was asked: what the cache saves. */
  reads = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(id: string): Promise<Article | undefined> {
    this.reads += 1;
    try {
      return { text: await readFile(this.#fileOf(id), 'utf8') };
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Never half: who reads meanwhile sees the old article or the new one. */
  async write(id: string, article: Article): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const file = this.#fileOf(id);
    await writeFile(`${file}.${process.pid}`, article.text);
    await rename(`${file}.${process.pid}`, file);
  }

  #fileOf(id: string): string {
    return join(this.#folder, encodeURIComponent(id).replaceAll('.', '%2E'));
  }
}
