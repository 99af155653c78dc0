import { tracingChannel } from 'node:diagnostics_channel';
import {
  context,
  metrics,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Histogram,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { onTelemetry, type AppliedEvent, type TracedCall } from '../index.ts';
import { ATTRIBUTES, errorType } from './attributes.ts';
import { SCOPE } from './scope.ts';
import { spanContextOf, traceparentOf } from './traceparent.ts';

type Kind = 'load' | 'invalidate' | 'write';

const KINDS: readonly Kind[] = ['load', 'invalidate', 'write'];

interface Open {
  readonly span: Span;
  readonly startMs: number;
}

/** Spans around loads, invalidations and guarded writes, with their durations; and one for what is dropped on another node's word. */
export class Spans {
  readonly #recordKeys: boolean;
  readonly #tracer: Tracer;
  readonly #durations: Readonly<Record<Kind, Histogram>>;
  readonly #open = new WeakMap<object, Open>();
  readonly #ends: (() => void)[] = [];

  constructor({ recordKeys }: { readonly recordKeys: boolean }) {
    this.#recordKeys = recordKeys;
    this.#tracer = trace.getTracer(SCOPE);
    const meter = metrics.getMeter(SCOPE);
    const duration = (kind: Kind, what: string): Histogram =>
      meter.createHistogram(`unstale.${kind}.duration`, {
        unit: 's',
        description: `How long ${what} took.`,
      });
    this.#durations = {
      load: duration('load', 'a loader'),
      invalidate: duration('invalidate', 'an invalidation'),
      write: duration('write', 'the function of a guarded write'),
    };
    for (const kind of KINDS) this.#subscribe(kind);
    this.#ends.push(
      onTelemetry('unstale:applied', (event) => {
        this.#applied(event);
      }),
    );
  }

  stop(): void {
    for (const end of this.#ends.splice(0)) end();
  }

  #subscribe(kind: Kind): void {
    const channel = tracingChannel<object, TracedCall>(`unstale:${kind}`);
    const subscribers = {
      start: (call: TracedCall) => {
        this.#start(kind, call);
      },
      asyncEnd: (call: TracedCall) => {
        this.#end(kind, call);
      },
      end: ignored,
      asyncStart: ignored,
      error: ignored,
    };
    channel.subscribe(subscribers);
    this.#ends.push(() => {
      channel.unsubscribe(subscribers);
    });
  }

  #start(kind: Kind, call: TracedCall): void {
    const { region } = call;
    const span = this.#tracer.startSpan(
      region === undefined ? `unstale ${kind}` : `unstale ${kind} ${region}`,
      {
        kind: kind === 'load' ? SpanKind.INTERNAL : SpanKind.PRODUCER,
        attributes: this.#attributesOf(call),
      },
    );
    this.#open.set(call, { span, startMs: performance.now() });
    const active = trace.setSpan(context.active(), span);
    // What the loader or the write does itself then belongs to this span.
    call.within = (work) => context.with(active, work);
    const traceparent = traceparentOf(span.spanContext());
    if (kind !== 'load' && traceparent !== undefined) call.traceparent = traceparent;
  }

  #end(kind: Kind, call: TracedCall): void {
    const open = this.#open.get(call);
    if (open === undefined) return;
    this.#open.delete(call);
    const { span, startMs } = open;
    const { error, region } = call;
    const attributes: Attributes = region === undefined ? {} : { [ATTRIBUTES.region]: region };
    if (error !== undefined) {
      attributes[ATTRIBUTES.error] = errorType(error);
      span.setAttribute(ATTRIBUTES.error, errorType(error));
      span.setStatus({ code: SpanStatusCode.ERROR });
      if (error instanceof Error) span.recordException(error);
    } else if (kind === 'invalidate' && isResult(call.result)) {
      const { by, acked, missing } = call.result;
      attributes[ATTRIBUTES.by] = by;
      span.setAttributes({
        [ATTRIBUTES.by]: by,
        [ATTRIBUTES.acked]: acked.length,
        [ATTRIBUTES.missing]: missing.length,
      });
    }
    span.end();
    this.#durations[kind].record((performance.now() - startMs) / 1_000, attributes);
  }

  /** Another node's invalidation was applied here: a span of its own trace, linked to what caused it. */
  #applied({ cluster, cause, selection }: AppliedEvent): void {
    if (cause.traceparent === undefined) return;
    const origin = spanContextOf(cause.traceparent);
    if (origin === undefined) return;
    this.#tracer
      .startSpan('unstale apply', {
        root: true,
        kind: SpanKind.CONSUMER,
        links: [{ context: origin }],
        attributes: {
          [ATTRIBUTES.cluster]: cluster,
          [ATTRIBUTES.cause]: cause.by,
          ...this.#attributesOf({ selection }),
        },
      })
      .end();
  }

  #attributesOf({ region, keys, selection }: TracedCall): Attributes {
    const named = keys ?? Object.values(selection?.keys ?? {}).flat();
    return {
      [ATTRIBUTES.keyCount]: named.length,
      ...(region === undefined ? {} : { [ATTRIBUTES.region]: region }),
      ...(this.#recordKeys ? { [ATTRIBUTES.keys]: named.slice(0, RECORDED_KEYS) } : {}),
    };
  }
}

/** Keys that one span names. */
const RECORDED_KEYS = 20;

function ignored(): void {}

function isResult(value: unknown): value is {
  readonly by: string;
  readonly acked: readonly string[];
  readonly missing: readonly string[];
} {
  return typeof value === 'object' && value !== null && 'by' in value && 'missing' in value;
}
