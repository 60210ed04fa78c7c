/**
 * The metrics and spans of the engines. Names, units and meanings stand in one table,
 * `docs/telemetry.md`, which a test compares with {@link metrics}.
 *
 * Everything is recorded per batch, never per record. Attributes are few-valued (system, operation,
 * outcome, reason): no id, no namespace and no key is ever one. Spans follow OpenTelemetry's stable
 * names for database clients.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Tracer from "effect/Tracer"
import type { FlushReason } from "./Batch.ts"
import type * as Outcome from "./Outcome.ts"

/** What an engine works on: constant attributes of its metrics and spans. */
export interface Target {
  /** `db.system.name`, for instance `pinecone`. */
  readonly system: string
  /** `db.operation.name`, for instance `upsert`. */
  readonly operation: string
  /** The index or workspace; on spans only, as `db.collection.name`. */
  readonly collection: string
}

/** Every metric: its name, kind, unit and meaning, and its attribute beside those of the target. */
export const metrics = {
  records: {
    name: "connector.records",
    kind: "Counter",
    unit: "{record}",
    attribute: "outcome",
    description: "Records by outcome: written, rejected or unknown"
  },
  batches: {
    name: "connector.batches",
    kind: "Counter",
    unit: "{batch}",
    attribute: "flush.reason",
    description: "Batches by the reason they left for: count, bytes, linger, room, order or end"
  },
  bytes: {
    name: "connector.bytes",
    kind: "Counter",
    unit: "By",
    description: "Bytes of batches as encoded, each batch once"
  },
  batchRecords: {
    name: "connector.batch.records",
    kind: "Histogram",
    unit: "{record}",
    description: "Records in a batch"
  },
  attempts: {
    name: "connector.attempts",
    kind: "Counter",
    unit: "{call}",
    description: "Calls sent, repeated ones included"
  },
  retries: {
    name: "connector.retries",
    kind: "Counter",
    unit: "{call}",
    attribute: "error.type",
    description: "Calls sent again, by the reason of the failure before"
  },
  inFlight: {
    name: "connector.in_flight",
    kind: "Gauge",
    unit: "{batch}",
    description: "Batches, lookups or pages at work now"
  },
  limit: {
    name: "connector.concurrency.limit",
    kind: "Gauge",
    unit: "{call}",
    description: "Calls that may be in flight for the key that the store slows down most"
  },
  duration: {
    name: "db.client.operation.duration",
    kind: "Histogram",
    unit: "s",
    description: "Time from a batch's first call to its last answer, retries included"
  },
  lookups: {
    name: "connector.lookups",
    kind: "Counter",
    unit: "{lookup}",
    attribute: "source",
    description: "Lookups by where the answer came from: store, flight or cache"
  },
  pages: { name: "connector.pages", kind: "Counter", unit: "{page}", description: "Pages a scan read" }
} as const

type Labels = Readonly<Record<string, string>>

interface Described {
  readonly name: string
  readonly unit: string
  readonly description: string
}

const attributesOf = (target: Pick<Target, "system" | "operation">): Labels => ({
  "db.system.name": target.system,
  "db.operation.name": target.operation
})

/**
 * The span of one batch, with attributes by OpenTelemetry's stable names. It is the parent of what runs in it, and not a line of
 * stack traces, which `Effect.withSpan` adds: the stack there is that of an engine, and costs as much as all metrics of a batch.
 */
export const spanned =
  (target: Target, namespace: string | undefined, batchSize: number) =>
  <A, E, R>(batch: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Tracer.ParentSpan>> =>
    Effect.useSpan(
      `${target.operation} ${target.collection}`,
      {
        kind: "client",
        attributes: {
          ...attributesOf(target),
          "db.collection.name": target.collection,
          ...(namespace === undefined ? {} : { "db.namespace": namespace }),
          ...(batchSize > 1 ? { "db.operation.batch.size": batchSize } : {})
        }
      },
      (span) => Effect.provideService(batch, Tracer.ParentSpan, span)
    )

/** Effect's exporters take the unit from an attribute of that name. */
const settings = (
  target: Pick<Target, "system" | "operation">,
  { description, unit }: Described,
  labels: Labels = {}
) => ({
  description,
  attributes: { ...attributesOf(target), unit, ...labels }
})

/** The gauge of {@link metrics.limit}. */
export const limit = (target: Pick<Target, "system" | "operation">): Metric.Gauge<number> =>
  Metric.gauge(metrics.limit.name, settings(target, metrics.limit))

const durationBoundaries = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
const recordBoundaries = [1, 10, 50, 96, 100, 200, 500, 1000]

/** Recorders need what is in a fiber's context; several in one step cost a third of as many steps. */
const recorded = (record: (context: Context.Context<never>) => void): Effect.Effect<void> =>
  Effect.contextWith((context: Context.Context<never>) => {
    record(context)
    return Effect.void
  })

/** The recorders of one engine instance; building it costs a few objects, using it none. */
export const make = (target: Target) => {
  const counter = (metric: Described, labels?: Labels) =>
    Metric.counter(metric.name, { ...settings(target, metric, labels), incremental: true })
  const labelled = (metric: Described & { readonly attribute: string }) => {
    const known = new Map<string, Metric.Counter<number>>()
    return (value: string): Metric.Counter<number> => {
      let found = known.get(value)
      if (found === undefined) {
        found = counter(metric, { [metric.attribute]: value })
        known.set(value, found)
      }
      return found
    }
  }
  const records = labelled(metrics.records)
  const batches = labelled(metrics.batches)
  const retries = labelled(metrics.retries)
  const lookups = labelled(metrics.lookups)
  const bytes = counter(metrics.bytes)
  const attempts = counter(metrics.attempts)
  const batchRecords = Metric.histogram(metrics.batchRecords.name, {
    ...settings(target, metrics.batchRecords),
    boundaries: recordBoundaries
  })
  const duration = Metric.histogram(metrics.duration.name, {
    ...settings(target, metrics.duration),
    boundaries: durationBoundaries
  })
  const inFlight = Metric.gauge(metrics.inFlight.name, settings(target, metrics.inFlight))

  return {
    batch: (batch: {
      readonly records: ReadonlyArray<unknown>
      readonly bytes: number
      readonly flushedBy: FlushReason
    }) =>
      recorded((context) => {
        batches(batch.flushedBy).updateUnsafe(1, context)
        bytes.updateUnsafe(batch.bytes, context)
        batchRecords.updateUnsafe(batch.records.length, context)
      }),
    outcomes: (counts: Outcome.Counts) =>
      recorded((context) => {
        for (const outcome of outcomes) {
          if (counts[outcome] > 0) records(outcome).updateUnsafe(counts[outcome], context)
        }
      }),
    /** An attempt, and of a repeated one the reason of the failure before. */
    attempt: (failure: string | undefined) =>
      recorded((context) => {
        if (failure !== undefined) retries(failure).updateUnsafe(1, context)
        attempts.updateUnsafe(1, context)
      }),
    /** Lookups by where their answers come from. */
    lookups: (from: { readonly [source in (typeof sources)[number]]: number }) =>
      recorded((context) => {
        for (const source of sources) if (from[source] > 0) lookups(source).updateUnsafe(from[source], context)
      }),
    page: Metric.update(counter(metrics.pages), 1),
    /** Counts `effect` as in flight while it runs, and how long that takes. */
    measured: <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.contextWith((context: Context.Context<never>) => {
        const clock = Context.get(context, Clock.Clock)
        let start: number | undefined
        const begun = Effect.suspend(() => {
          start = clock.currentTimeMillisUnsafe()
          inFlight.modifyUnsafe(1, context)
          return effect
        })
        return Effect.onExit(begun, () => {
          if (start !== undefined) {
            inFlight.modifyUnsafe(-1, context)
            duration.updateUnsafe((clock.currentTimeMillisUnsafe() - start) / 1000, context)
          }
          return Effect.void
        })
      })
  }
}

const sources = ["cache", "store", "flight"] as const

const outcomes = ["written", "rejected", "unknown"] as const

/** @see {@link make} */
export type Telemetry = ReturnType<typeof make>
