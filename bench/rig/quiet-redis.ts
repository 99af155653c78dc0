import { Redis } from 'ioredis';

/**
 * ioredis prints an error that nobody listens to, and a cut connection is what some benches are about. Nothing else
 * is changed: it connects again by itself, and subscribes again.
 */
export class QuietRedis extends Redis {
  static at(login: {
    readonly host: string;
    readonly port: number;
    readonly password: string;
  }): QuietRedis {
    const { host, port, password } = login;
    return quiet(new QuietRedis({ host, port, password, lazyConnect: true }));
  }

  override duplicate(...options: Parameters<Redis['duplicate']>): Redis {
    return quiet(super.duplicate(...options));
  }
}

function quiet<Client extends Redis>(client: Client): Client {
  client.on('error', () => undefined);
  return client;
}
