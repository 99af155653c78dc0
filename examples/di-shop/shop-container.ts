import { Container } from 'inversify';
import type { Configuration } from 'unstale/config';
import { cacheToken, clusterToken, loaderToken, unstaleModule } from 'unstale/inversify';
import { ArticleController } from './article-controller.ts';
import { ArticleService } from './article-service.ts';
import { ArticleStore, type Article } from './article-store.ts';
import { HealthController } from './health-controller.ts';

/** Who needs whom: the one place of the shop that knows. No decorators. */
export function shopContainer(configuration: Configuration, folder: string): Container {
  const container = new Container();
  container.load(unstaleModule(configuration));
  container.bind(ArticleStore).toConstantValue(new ArticleStore(folder));
  container
    .bind(loaderToken<Article | undefined>('articles'))
    .toResolvedValue((store) => (id) => store.read(id), [ArticleStore]);
  container
    .bind(ArticleService)
    .toResolvedValue(
      (articles, store) => new ArticleService(articles, store),
      [cacheToken<Article | undefined>('articles'), ArticleStore],
    )
    .inSingletonScope();
  container
    .bind(ArticleController)
    .toResolvedValue((articles) => new ArticleController(articles), [ArticleService]);
  container
    .bind(HealthController)
    .toResolvedValue((cluster) => new HealthController(cluster), [clusterToken()]);
  return container;
}
