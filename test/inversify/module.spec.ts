import { expect } from 'chai';
import { Container, inject, injectable } from 'inversify';
import { memoryBus } from 'unstale/adapters/memory';
import { ConfigurationError, type Configuration } from 'unstale/config';
import {
  busesToken,
  busToken,
  cacheToken,
  clusterToken,
  configurationToken,
  loaderToken,
  startUnstale,
  unstaleModule,
} from 'unstale/inversify';
import type { CoherentCache } from '../../src/index.ts';

let channels = 0;
function configuration(more: Partial<Configuration> = {}): Configuration {
  channels += 1;
  return {
    cluster: 'shop',
    transport: 'memory',
    memory: { channel: `inversify-${channels}` },
    expectedNodes: 1,
    lingerMs: 0,
    caches: { articles: { maxEntries: 10 } },
    ...more,
  };
}

function containerOf(config: Configuration): Container {
  const container = new Container();
  container.load(unstaleModule(config));
  return container;
}

describe('unstale/inversify', () => {
  it('gives cluster and caches synchronously once it has started', async () => {
    const container = containerOf(configuration());
    container
      .bind(loaderToken<string>('articles'))
      .toConstantValue((id) => Promise.resolve(`loaded ${id}`));
    const cluster = await startUnstale(container, { untilReady: true });
    expect(container.get(clusterToken())).to.equal(cluster);
    expect(cluster.status().ready).to.equal(true);
    expect(await container.get(cacheToken<string>('articles')).get('7')).to.equal('loaded 7');
    expect(container.get(cacheToken('articles'))).to.equal(container.get(cacheToken('articles')));
    await container.unbindAllAsync();
  });

  it('leaves the cluster when the container lets it go', async () => {
    const config = configuration({ expectedNodes: 2 });
    const [one, other] = [containerOf(config), containerOf(config)];
    const clusters = await Promise.all(
      [one, other].map((each) => startUnstale(each, { untilReady: true })),
    );
    expect(clusters[0]?.status().members).to.have.lengthOf(1);
    await other.unbindAllAsync();
    // On a busy machine the bye is taken in only when the event loop has had its turn.
    await new Promise(setImmediate);
    expect(clusters[0]?.status().members).to.have.lengthOf(0);
    const error: unknown = await clusters[1]
      ?.invalidate({ keys: 'a' })
      .catch((cause: unknown) => cause);
    expect(error).to.be.instanceOf(Error);
    await one.unbindAllAsync();
  });

  it('serves classes with @inject as well', async () => {
    class Reader {
      readonly articles: CoherentCache<string>;

      constructor(articles: CoherentCache<string>) {
        this.articles = articles;
      }
    }
    // What the decorators @injectable() and @inject(token) do to a class, without their syntax.
    injectable()(Reader);
    inject(cacheToken<string>('articles'))(Reader, undefined, 0);
    const container = containerOf(configuration());
    container.bind(Reader).toSelf();
    await startUnstale(container);
    expect(container.get(Reader).articles).to.equal(container.get(cacheToken('articles')));
    await container.unbindAllAsync();
  });

  it('keeps two clusters of one container apart, by name', async () => {
    const container = new Container();
    const channel = `two-${process.pid}`;
    for (const name of ['shop', 'news']) {
      const config = configuration({ cluster: name, memory: { channel } });
      container.load(unstaleModule(config, { name }));
      container
        .bind(loaderToken<string>('articles', name))
        .toConstantValue((id) => Promise.resolve(`${name} ${id}`));
      await startUnstale(container, { name });
    }
    const shop = container.get(cacheToken<string>('articles', 'shop'));
    const news = container.get(cacheToken<string>('articles', 'news'));
    expect([await shop.get('1'), await news.get('1')]).to.deep.equal(['shop 1', 'news 1']);
    await shop.invalidate('1');
    expect(shop.peek('1')).to.equal(undefined);
    expect(news.peek('1')).to.equal('news 1');
    await container.unbindAllAsync();
  });

  it('takes the memory bus in one line, in the tests of an application on a broker', async () => {
    const container = containerOf({
      cluster: 'shop',
      transport: 'amqp',
      amqp: { host: 'nowhere.invalid', exchange: 'cache' },
      lingerMs: 0,
    });
    container.rebind(busToken()).toConstantValue(memoryBus({ channel: `test-${process.pid}` }));
    const cluster = await startUnstale(container);
    expect(cluster.status().bus).to.equal('open');
    await container.unbindAllAsync();
  });

  it('joins with a bus for each of the shards that the configuration has', async () => {
    const container = containerOf(configuration({ shards: 3 }));
    const cluster = await startUnstale(container, { untilReady: true });
    expect(cluster.status().shards).to.have.lengthOf(3);
    await container.unbindAllAsync();
  });

  it('takes one memory bus in place of shards on a broker, too', async () => {
    const container = containerOf({
      cluster: 'shop',
      transport: 'amqp',
      amqp: { host: 'nowhere.invalid', exchange: 'cache' },
      shards: 2,
      lingerMs: 0,
    });
    const bus = memoryBus({ channel: `shards-${process.pid}` });
    container.rebind(busesToken()).toConstantValue({ bus });
    expect((await startUnstale(container)).status().bus).to.equal('open');
    await container.unbindAllAsync();
  });

  it('takes a function of the container as configuration', async () => {
    const container = new Container();
    const name = Symbol('the name of the cluster');
    container.bind<string>(name).toConstantValue('from-container');
    container.load(
      unstaleModule((context) => configuration({ cluster: context.get<string>(name) }), {
        regions: ['articles'],
      }),
    );
    const cluster = await startUnstale(container);
    expect(cluster.name).to.equal('from-container');
    expect(container.get(configurationToken()).cluster).to.equal('from-container');
    await container.unbindAllAsync();
  });

  it('refuses a wrong configuration when the module is made', () => {
    const wrong: unknown = { cluster: 'shop', transprt: 'ipc' };
    // @ts-expect-error -- what a file may hold
    expect(() => unstaleModule(wrong)).to.throw(ConfigurationError, /do you mean transport\?/);
  });

  it('says that nobody can be reached when it starts, and can be started again', async () => {
    const config: Configuration = {
      cluster: 'shop',
      transport: 'amqp',
      amqp: { host: '127.0.0.1', port: 1, exchange: 'cache' },
      lingerMs: 0,
    };
    const container = containerOf(config);
    for (const attempt of ['first', 'second']) {
      const error: unknown = await startUnstale(container).catch((cause: unknown) => cause);
      expect(error, attempt).to.have.property('code', 'BUS_UNREACHABLE');
    }
    container.rebind(busToken()).toConstantValue(memoryBus({ channel: `again-${process.pid}` }));
    expect((await startUnstale(container)).status().bus).to.equal('open');
    await container.unbindAllAsync();
  });

  it('lets go of a cluster that could not be joined', async () => {
    const container = containerOf({
      cluster: 'shop',
      transport: 'amqp',
      amqp: { port: 1, exchange: 'e' },
    });
    const error: unknown = await startUnstale(container).catch((cause: unknown) => cause);
    expect(error).to.be.instanceOf(Error);
    await container.unbindAllAsync();
    expect(container.isBound(clusterToken())).to.equal(false);
  });
});
