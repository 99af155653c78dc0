import type { ArticleService } from './article-service.ts';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Articles over HTTP. */
export class ArticleController {
  readonly #articles: ArticleService;

  constructor(articles: ArticleService) {
    this.#articles = articles;
  }

  async get(id: string): Promise<Answer> {
    const article = await this.#articles.find(id);
    return article === undefined
      ? { status: 404, body: 'there is no such article\n' }
      : { status: 200, body: article.text };
  }

  async put(id: string, text: string): Promise<Answer> {
    await this.#articles.save(id, { text });
    return { status: 200, body: 'saved\n' };
  }
}
