import type { CoherentCache } from 'unstale';
import type { Article, ArticleStore } from './article-store.ts';

/** What the shop does with articles. It knows a cache, and nothing of rooms, topics and exchanges. */
export class ArticleService {
  readonly #articles: CoherentCache<Article | undefined>;
  readonly #store: ArticleStore;

  constructor(articles: CoherentCache<Article | undefined>, store: ArticleStore) {
    this.#articles = articles;
    this.#store = store;
  }

  async find(id: string): Promise<Article | undefined> {
    return await this.#articles.get(id);
  }

  async save(id: string, article: Article): Promise<void> {
    await this.#articles.write(id, () => this.#store.write(id, article));
  }
}
