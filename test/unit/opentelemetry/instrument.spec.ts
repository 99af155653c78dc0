import { setTimeout as sleep } from 'node:timers/promises';
import { context, metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import { memoryBus, memoryNetwork } from '../../../adapters/memory/index.ts';
import { joinCluster, type Cluster } from '../../../src/index.ts';
import { instrument, type Instrumentation } from '../../../src/opentelemetry/index.ts';

/** What OpenTelemetry was told, with the SDK that people use. */
class Sdk {
  readonly #spans = new InMemorySpanExporter();
  readonly #metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  readonly #tracers = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(this.#spans)],
  });
  readonly #meters = new MeterProvider({
    readers: [
      new PeriodicExportingMetricReader({
        exporter: this.#metrics,
        exportIntervalMillis: 3_600_000,
      }),
    ],
  });

  start(): void {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    trace.setGlobalTracerProvider(this.#tracers);
    metrics.setGlobalMeterProvider(this.#meters);
  }

  async stop(): Promise<void> {
    await this.#meters.shutdown();
    await this.#tracers.shutdown();
    context.disable();
    trace.disable();
    metrics.disable();
  }

  spans(name: string): readonly ReadableSpan[] {
    return this.#spans.getFinishedSpans().filter((span) => span.name === name);
  }

  /** Every point of a metric: its attributes, and its value or its count. */
  async points(name: string): Promise<readonly (readonly [Record<string, unknown>, unknown])[]> {
    await this.#meters.forceFlush();
    const all = this.#metrics
      .getMetrics()
      .at(-1)
      ?.scopeMetrics.flatMap(({ scope, metrics: list }) => (scope.name === 'unstale' ? list : []));
    const found = all?.find(({ descriptor }) => descriptor.name === name);
    return (found?.dataPoints ?? []).map(({ attributes, value }) => [
      attributes,
      typeof value === 'object' && 'count' in value ? value.count : value,
    ]);
  }
}

describe('the OpenTelemetry bridge', () => {
  let sdk = new Sdk();
  let instrumentation: Instrumentation | undefined;
  const clusters: Cluster[] = [];

  beforeEach(() => {
    sdk = new Sdk();
    sdk.start();
  });

  afterEach(async () => {
    instrumentation?.stop();
    await Promise.all(clusters.splice(0).map((cluster) => cluster.close()));
    await sdk.stop();
  });

  async function nodes(count: number): Promise<readonly Cluster[]> {
    const network = memoryNetwork();
    const made: Cluster[] = [];
    for (let index = 0; index < count; index += 1) {
      made.push(
        await joinCluster({
          name: 'shop',
          label: `n${index}`,
          bus: memoryBus({ channel: 'traces', network }),
          expectedNodes: count,
          lingerMs: 0,
        }),
      );
    }
    clusters.push(...made);
    await Promise.all(made.map((cluster) => cluster.ready()));
    return made;
  }

  it('makes a span for each load, in which what the loader does itself belongs', async () => {
    const [cluster] = await nodes(1);
    instrumentation = instrument({ recordKeys: true });
    const tracer = trace.getTracer('test');
    const cache = cluster?.cache('articles', {
      maxEntries: 10,
      load: async (key) => {
        await sleep(1);
        tracer.startSpan('query').end();
        return key;
      },
    });
    await tracer.startActiveSpan('request', async (request) => {
      await cache?.get('42');
      request.end();
    });
    const [request] = sdk.spans('request');
    const [load] = sdk.spans('unstale load articles');
    const [query] = sdk.spans('query');
    expect(load?.parentSpanContext?.spanId).to.equal(request?.spanContext().spanId);
    expect(query?.parentSpanContext?.spanId).to.equal(load?.spanContext().spanId);
    expect(load?.kind).to.equal(SpanKind.INTERNAL);
    expect(load?.attributes).to.deep.equal({
      'unstale.region': 'articles',
      'unstale.keys.count': 1,
      'unstale.keys': ['42'],
    });
    expect(await sdk.points('unstale.load.duration')).to.deep.equal([
      [{ 'unstale.region': 'articles' }, 1],
    ]);
  });

  it('keeps keys to itself where it is not told to record them, and says why a load failed', async () => {
    const [cluster] = await nodes(1);
    instrumentation = instrument();
    const cache = cluster?.cache<string>('articles', {
      maxEntries: 10,
      load: () => {
        throw new RangeError('down');
      },
    });
    await cache?.get('secret').catch(() => undefined);
    const [load] = sdk.spans('unstale load articles');
    expect(load?.status.code).to.equal(SpanStatusCode.ERROR);
    expect(load?.attributes).to.deep.equal({
      'unstale.region': 'articles',
      'unstale.keys.count': 1,
      'error.type': 'RangeError',
    });
    expect(load?.events.map(({ name }) => name)).to.deep.equal(['exception']);
    expect(await sdk.points('unstale.load.duration')).to.deep.equal([
      [{ 'unstale.region': 'articles', 'error.type': 'RangeError' }, 1],
    ]);
  });

  for (const [name, publish] of [
    ['invalidate', (cluster: Cluster) => cluster.invalidate({ region: 'articles', keys: '42' })],
    [
      'write',
      (cluster: Cluster) =>
        cluster.cache('articles', { maxEntries: 1 }).write('42', async () => {
          await sleep(1);
        }),
    ],
  ] as const) {
    it(`links what another node drops to the ${name} that caused it`, async () => {
      const [here, there] = await nodes(2);
      if (here === undefined) throw new Error('a node is wanted');
      there?.cache('articles', { maxEntries: 10 });
      instrumentation = instrument();
      await publish(here);
      await sleep(5);
      const [cause] = sdk.spans(`unstale ${name}`);
      const [applied, ...others] = sdk.spans('unstale apply');
      expect(others).to.have.length(0);
      expect(applied?.links.map((link) => link.context.spanId)).to.deep.equal([
        cause?.spanContext().spanId,
      ]);
      expect(applied?.links[0]?.context.traceId).to.equal(cause?.spanContext().traceId);
      expect(applied?.spanContext().traceId).to.not.equal(cause?.spanContext().traceId);
      expect(applied?.kind).to.equal(SpanKind.CONSUMER);
      expect(applied?.attributes).to.deep.equal({
        'unstale.cluster': 'shop',
        'unstale.invalidation.cause': 'peer',
        'unstale.keys.count': 1,
      });
    });
  }

  it('says how far an invalidation came', async () => {
    const [cluster] = await nodes(2);
    instrumentation = instrument();
    await cluster?.invalidate({ keys: '42' }, { ack: 'all' });
    const [span] = sdk.spans('unstale invalidate');
    expect(span?.kind).to.equal(SpanKind.PRODUCER);
    expect(span?.attributes).to.deep.equal({
      'unstale.keys.count': 1,
      'unstale.invalidation.by': 'acks',
      'unstale.invalidation.acked': 1,
      'unstale.invalidation.missing': 0,
    });
    expect(await sdk.points('unstale.invalidate.duration')).to.deep.equal([
      [{ 'unstale.invalidation.by': 'acks' }, 1],
    ]);
  });

  it('counts reads, what else a cache does, and invalidations', async () => {
    const [cluster] = await nodes(1);
    instrumentation = instrument();
    const cache = cluster?.cache('articles', { maxEntries: 10, load: (key) => key });
    await Promise.all([cache?.get('a'), cache?.get('a')]);
    await cache?.get('a');
    await cache?.invalidate('a');
    expect(await sdk.points('unstale.cache.reads')).to.deep.equal([
      [{ 'unstale.region': 'articles', 'unstale.cache.result': 'miss' }, 2],
      [{ 'unstale.region': 'articles', 'unstale.cache.result': 'hit' }, 1],
    ]);
    expect(await sdk.points('unstale.cache.events')).to.deep.equal([
      [{ 'unstale.region': 'articles', 'unstale.cache.event': 'joined' }, 1],
    ]);
    expect(await sdk.points('unstale.invalidations')).to.deep.equal([
      [{ 'unstale.cluster': 'shop', 'unstale.invalidation.cause': 'local' }, 1],
    ]);
  });

  it('measures the state of the clusters that it watches', async () => {
    const [first, second] = await nodes(2);
    if (first === undefined || second === undefined) throw new Error('two nodes are wanted');
    instrumentation = instrument({ clusters: [first] });
    const attributes = { 'unstale.cluster': 'shop' };
    expect(await sdk.points('unstale.bus.open')).to.deep.equal([[attributes, 1]]);
    expect(await sdk.points('unstale.members')).to.deep.equal([[attributes, 1]]);
    expect(await sdk.points('unstale.members.unproven')).to.deep.equal([[attributes, 0]]);
    expect(await sdk.points('unstale.unsent')).to.deep.equal([[attributes, 0]]);
    expect(await sdk.points('unstale.staleness.bound')).to.deep.equal([[attributes, 30]]);
  });

  it('says nothing any more once it has been stopped', async () => {
    const [cluster] = await nodes(1);
    const stopped = instrument();
    stopped.stop();
    const cache = cluster?.cache('articles', { maxEntries: 10, load: (key) => key });
    await cache?.get('a');
    await cache?.invalidate('a');
    expect(sdk.spans('unstale load articles')).to.have.length(0);
    expect(await sdk.points('unstale.cache.reads')).to.deep.equal([]);
  });
});
