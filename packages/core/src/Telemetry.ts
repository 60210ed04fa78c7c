/**
 * The metrics and spans of the engines. Names, units and meanings stand in one table,
 * `docs/telemetry.md`, which a test compares with {@link metrics}.
 *
 * Everything is recorded per batch, never per record. Attributes are few-valued (system, operation,
 * outcome, reason): no id, no namespace and no key is ever one. Spans follow OpenTelemetry's stable
 * names for database clients.
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
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

/** Every metric: its name, unit and meaning. */
export const metrics = {
  records: { name: "connector.records", unit: "{record}", description: "Records by outcome" },
  batches: { name: "connector.batches", unit: "{batch}", description: "Batches by the reason they left for" },
  bytes: { name: "connector.bytes", unit: "By", description: "Bytes of batches as encoded, each batch once" },
  attempts: { name: "connector.attempts", unit: "{call}", description: "Calls sent, repeated ones included" },
  retries: { name: "connector.retries", unit: "{call}", description: "Calls sent again, by the reason of the failure before" },
  inFlight: { name: "connector.in_flight", unit: "{batch}", description: "Batches being written or looked up now" },
  batchRecords: { name: "connector.batch.records", unit: "{record}", description: "Records in a batch" },
  duration: {
    name: "db.client.operation.duration",
    unit: "s",
    description: "Time from a batch's first call to its last answer, retries included"
  },
  lookups: { name: "connector.lookups", unit: "{lookup}", description: "Lookups by where the answer came from: store, flight or cache" },
  pages: { name: "connector.pages", unit: "{page}", description: "Pages a scan read" }
} as const

type Labels = Readonly<Record<string, string>>

const attributesOf = (target: Target): Labels => ({
  "db.system.name": target.system,
  "db.operation.name": target.operation
})

/** Attributes of the span of one batch, by OpenTelemetry's stable names. */
export const spanAttributes = (target: Target, namespace: string | undefined, batchSize: number) => ({
  ...attributesOf(target),
  "db.collection.name": target.collection,
  ...(namespace === undefined ? {} : { "db.namespace": namespace }),
  ...(batchSize > 1 ? { "db.operation.batch.size": batchSize } : {})
})

const durationBoundaries = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
const recordBoundaries = [1, 10, 50, 96, 100, 200, 500, 1000]

/** The recorders of one engine instance; building it costs a few objects, using it none. */
export const make = (target: Target) => {
  const attributes = attributesOf(target)
  const counter = ({ name, description }: { name: string; description: string }, labels: Labels = {}) =>
    Metric.counter(name, { description, incremental: true, attributes: { ...attributes, ...labels } })
  const labelled = (metric: { name: string; description: string }, label: string) => {
    const known = new Map<string, Metric.Counter<number>>()
    return (value: string, n: number): Effect.Effect<void> => {
      if (n === 0) return Effect.void
      let found = known.get(value)
      if (found === undefined) {
        found = counter(metric, { [label]: value })
        known.set(value, found)
      }
      return Metric.update(found, n)
    }
  }
  const records = labelled(metrics.records, "outcome")
  const batches = labelled(metrics.batches, "flush.reason")
  const bytes = counter(metrics.bytes)
  const attempts = counter(metrics.attempts)
  const batchRecords = Metric.histogram(metrics.batchRecords.name, {
    description: metrics.batchRecords.description,
    attributes,
    boundaries: recordBoundaries
  })
  const duration = Metric.histogram(metrics.duration.name, {
    description: metrics.duration.description,
    attributes,
    boundaries: durationBoundaries
  })
  const inFlight = Metric.gauge(metrics.inFlight.name, { description: metrics.inFlight.description, attributes })

  return {
    batch: (batch: { readonly records: ReadonlyArray<unknown>; readonly bytes: number; readonly flushedBy: FlushReason }) =>
      Effect.andThen(
        Effect.andThen(batches(batch.flushedBy, 1), Metric.update(bytes, batch.bytes)),
        Metric.update(batchRecords, batch.records.length)
      ),
    outcomes: (counts: Outcome.Counts) =>
      Effect.andThen(
        Effect.andThen(records("written", counts.written), records("rejected", counts.rejected)),
        records("unknown", counts.unknown)
      ),
    attempt: Metric.update(attempts, 1),
    retry: labelled(metrics.retries, "error.type"),
    lookup: labelled(metrics.lookups, "source"),
    page: Metric.update(counter(metrics.pages), 1),
    seconds: (millis: number) => Metric.update(duration, millis / 1000),
    /** Counts `effect` as in flight while it runs. */
    flying: <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.acquireUseRelease(Metric.modify(inFlight, 1), () => effect, () => Metric.modify(inFlight, -1))
  }
}

/** @see {@link make} */
export type Telemetry = ReturnType<typeof make>
