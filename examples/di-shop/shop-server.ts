import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Container } from 'inversify';
import { ArticleController, type Answer } from './article-controller.ts';
import { HealthController } from './health-controller.ts';

/** An article longer than this is refused. */
const MAX_BODY_CHARS = 1_048_576;

/** The shop over HTTP, and how to end it. */
export interface ShopServer extends AsyncDisposable {
  readonly url: string;
}

export async function listen(container: Container, port: number): Promise<ShopServer> {
  const articles = container.get(ArticleController);
  const health = container.get(HealthController);
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const { pathname } = new URL(request.url ?? '/', 'http://shop');
    if (pathname === '/health') return health.get();
    const id = decodeURIComponent(/^\/articles\/([^/]{1,200})$/.exec(pathname)?.[1] ?? '');
    if (id === '') return { status: 404, body: 'try /articles/ID\n' };
    if (request.method === 'PUT') return await articles.put(id, await bodyOf(request));
    return await articles.get(id);
  };
  const server = createServer((request, response) => {
    void answer(request)
      .catch((error: unknown): Answer => ({ status: 500, body: `${String(error)}\n` }))
      .then(({ status, body }) => response.writeHead(status).end(body));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeIdleConnections();
      await once(server, 'close');
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length > MAX_BODY_CHARS) throw new Error('the article is too long');
  }
  return text;
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
