import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MAX_RESOURCE_BYTES } from './resource-list.ts';
import { UserError } from '../user-error.ts';
import { idOf } from './http-client.ts';

/** A version of a resource: what is served, cached and counted. */
export interface Versioned {
  readonly version: number;
  readonly body: Buffer;
}

/** What a service of resources does; the rest of HTTP is the same for the origin and the servers. */
export interface ResourceHandlers {
  /** `undefined`: there is no such resource. `cache` becomes the header `x-cache`. */
  read(id: string): Promise<(Versioned & { readonly cache?: 'hit' | 'miss' }) | undefined>;
  /** Resolves with the new version. */
  save(id: string, body: Buffer): Promise<number | undefined>;
}

export interface HttpService {
  /** `http://127.0.0.1:port` */
  readonly base: string;
  close(): Promise<void>;
}

/** @throws {UserError} if the port is in use or not allowed */
export async function serveResources(
  port: number,
  handlers: ResourceHandlers,
): Promise<HttpService> {
  const server = createServer((request, response) => {
    void answer(request, response, handlers);
  });
  // The workload keeps its connections; if the server closed idle ones, a request could cross with that.
  server.keepAliveTimeout = 0;
  await listen(server, port);
  return {
    base: `http://127.0.0.1:${portOf(server)}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE' ? 'is in use' : `cannot be had (${error.code ?? '?'})`;
      reject(new UserError(`port ${port} ${why}; choose another with --port`));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: ResourceHandlers,
): Promise<void> {
  try {
    const id = idOf(request.url ?? '/');
    if (id === '') end(response, 404, 'name a resource in the path, such as /README.md');
    else if (request.method === 'GET') await answerRead(id, response, handlers);
    else if (request.method === 'PUT') await answerSave(id, request, response, handlers);
    else end(response, 405, 'GET reads a resource, PUT saves it');
  } catch (error) {
    const isOurs = error instanceof HttpError;
    const status = isOurs ? error.status : error instanceof URIError ? 400 : 502;
    end(response, status, error instanceof Error ? error.message : String(error));
  }
}

async function answerRead(
  id: string,
  response: ServerResponse,
  handlers: ResourceHandlers,
): Promise<void> {
  const found = await handlers.read(id);
  if (found === undefined) {
    end(response, 404, 'there is no such resource');
    return;
  }
  response.writeHead(200, {
    'content-length': found.body.length,
    'x-version': found.version,
    ...(found.cache === undefined ? {} : { 'x-cache': found.cache }),
  });
  response.end(found.body);
}

async function answerSave(
  id: string,
  request: IncomingMessage,
  response: ServerResponse,
  handlers: ResourceHandlers,
): Promise<void> {
  const version = await handlers.save(id, await bodyOf(request));
  if (version === undefined) end(response, 404, 'there is no such resource');
  else response.writeHead(204, { 'x-version': version }).end();
}

/** What a service answers instead of a resource. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    bytes += part.length;
    if (bytes > MAX_RESOURCE_BYTES) {
      throw new HttpError(413, `a resource has at most ${MAX_RESOURCE_BYTES} bytes`);
    }
    chunks.push(part);
  }
  return Buffer.concat(chunks);
}

function end(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${message}\n`);
}
