import { request, type Agent, type IncomingHttpHeaders } from 'node:http';

export interface HttpRequest {
  readonly agent: Agent;
  readonly method: 'GET' | 'PUT';
  /** `http://127.0.0.1:port`, without a slash at its end. */
  readonly base: string;
  readonly id: string;
  readonly body?: Buffer | string;
  /** From the start to the last byte, in ms. */
  readonly timeoutMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request for a resource by its id, over the agent's kept connections. */
export function ask(options: HttpRequest): Promise<HttpAnswer> {
  const { agent, method, base, id, body, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request(`${base}${pathOf(id)}`, {
      agent,
      method,
      headers: body === undefined ? {} : { 'content-length': Buffer.byteLength(body) },
    });
    const timer = setTimeout(() => {
      outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    outgoing.on('error', fail);
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', fail);
      incoming.on('end', () => {
        clearTimeout(timer);
        const { statusCode = 0, headers } = incoming;
        resolve({ status: statusCode, headers, body: Buffer.concat(chunks) });
      });
    });
    outgoing.end(body);
  });
}

/** Slashes stay, so that addresses read well; everything else that an address cannot hold is encoded. */
export function pathOf(id: string): string {
  return `/${id.split('/').map(encodeURIComponent).join('/')}`;
}

/** @throws {URIError} if the path is no encoding of an id */
export function idOf(path: string): string {
  return decodeURIComponent(path.replace(/[?#].*$/s, '').slice(1));
}
