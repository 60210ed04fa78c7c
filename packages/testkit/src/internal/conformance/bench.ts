/**
 * What every section of the suite works with: a namespace of the test's own, records to put there, and patience with
 * a store whose writes become readable late.
 */
import * as Outcome from "@effect-connectors/core/Outcome"
import type { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex, type Service } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import type { Metadata, VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** The suite's options, complete. */
export interface Settings {
  readonly dimension: number
  readonly metric: "cosine" | "dotproduct" | "euclidean"
  /** How long a write may take to be readable; zero when it is at once. */
  readonly eventually: Duration.Duration
  readonly live: boolean
}

/** What a test is given. */
export interface Bench extends Settings {
  readonly index: Service
  /** A namespace nobody else uses, removed after the test. */
  readonly namespace: string
  /** One more such namespace. Its name starts with that of {@link namespace}. */
  readonly another: (suffix: string) => string
  /** Repeats a check of something just written until it holds or the store had its time. */
  readonly soon: <A, E, R>(check: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** Registers a test. */
export type Test = (
  name: string,
  body: (bench: Bench) => Effect.Effect<unknown, unknown, PineconeIndex | Scope.Scope>
) => void

/** Runs a test in a namespace of its own, so that tests can share an index and an index can be shared with others. */
export const onBench = <A, E, R>(settings: Settings, body: (bench: Bench) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const index = yield* PineconeIndex
    const namespace = `conformance-${(yield* Random.nextIntBetween(0, 2 ** 40)).toString(36)}`
    const used = new Set([namespace])
    const bench: Bench = {
      ...settings,
      index,
      namespace,
      another: (suffix) => {
        const name = `${namespace}-${suffix}`
        used.add(name)
        return name
      },
      soon: (check) =>
        Duration.isZero(settings.eventually)
          ? check
          : check.pipe(
              Effect.sandbox,
              Effect.retry(Schedule.upTo(Schedule.spaced("50 millis"), { duration: settings.eventually })),
              Effect.catch(Effect.failCause)
            )
    }
    // A namespace that was never written to is not there to be removed.
    const removal = Effect.suspend(() =>
      Effect.forEach(used, (name) => Effect.ignore(index.deleteNamespace(name)), { discard: true })
    )
    return yield* Effect.ensuring(body(bench), removal)
  })

/**
 * The unit vector at an angle in the plane of the first two axes. Of such vectors the one at the nearest angle is the
 * nearest by every metric.
 */
export const at = ({ dimension }: Settings, degrees: number): Float32Array => {
  const vector = new Float32Array(dimension)
  const radians = (degrees / 180) * Math.PI
  vector[0] = Math.cos(radians)
  vector[1] = Math.sin(radians)
  return vector
}

/** Records `id-0000`, `id-0001`, ... at growing angles below 90 degrees, numbered in their metadata. */
export const many = (settings: Settings, count: number, prefix = "id") =>
  Array.from({ length: count }, (_, n): VectorRecord => ({
    id: `${prefix}-${String(n).padStart(4, "0")}`,
    values: at(settings, (90 * n) / count),
    metadata: { n }
  }))

/** A record as plain data, its values as the float32 they are stored as. */
export const plain = ({ id, metadata, values = [] }: VectorRecord): VectorRecord => ({
  id,
  values: Float32Array.from(values),
  metadata
})

export const ids = (found: Iterable<{ readonly id: string }>): ReadonlyArray<string> =>
  Array.from(found, ({ id }) => id)

/** What is stored under an id. */
export const stored = ({ index, namespace }: Bench, id: string, where = namespace) =>
  Effect.map(index.fetch({ namespace: where, ids: [id] }), ({ records }) => records.get(id))

/** Checks that a record is stored just so. */
export const becomes = (bench: Bench, record: VectorRecord, where = bench.namespace) =>
  bench.soon(
    Effect.map(stored(bench, record.id, where), (found) => {
      assert(found !== undefined, `record ${record.id} is not stored`)
      assert.deepStrictEqual(plain(found), plain(record))
    })
  )

/** Checks that nothing is stored under an id. */
export const isGone = (bench: Bench, id: string, where = bench.namespace) =>
  bench.soon(Effect.map(stored(bench, id, where), (found) => assert.isUndefined(found, `record ${id}`)))

/** Checks how many records the index says there are in a namespace. */
export const holds = ({ index, namespace, soon }: Bench, count: number, where = namespace) =>
  soon(
    Effect.map(index.stats, (stats) => assert.strictEqual(stats.namespaces.get(where) ?? 0, count, "records stored"))
  )

type Outcomes<A> = ReadonlyArray<Outcome.Outcome<A, PineconeError>>

/** Fails unless there is one outcome for each element, with that very element in it. */
export const assertOneEach = <A>(
  elements: ReadonlyArray<A>,
  outcomes: ReadonlyArray<Outcome.Outcome<A, unknown>>
): void => {
  const left = new Map<A, number>()
  for (const element of elements) left.set(element, (left.get(element) ?? 0) + 1)
  for (const { input } of outcomes) left.set(input, (left.get(input) ?? 0) - 1)
  assert.deepStrictEqual(
    Array.from(left).filter(([, count]) => count !== 0),
    [],
    "elements without an outcome, or with several"
  )
}

/** The outcomes of a write step, held to one for each element. */
export const outcomesOf = <A>(
  elements: ReadonlyArray<A>,
  step: (self: Stream.Stream<A>) => PineconeSink.Outcomes<A, never, never>
): Effect.Effect<Outcomes<A>, PineconeError, PineconeIndex> =>
  Stream.fromIterable(elements).pipe(
    step,
    Stream.runCollect,
    Effect.tap((outcomes) => Effect.sync(() => assertOneEach(elements, outcomes)))
  )

/** Runs a write step every element of which must be written. */
export const allWritten = <A>(
  elements: ReadonlyArray<A>,
  step: (self: Stream.Stream<A>) => PineconeSink.Outcomes<A, never, never>
) =>
  Effect.map(outcomesOf(elements, step), (outcomes) =>
    assert.deepStrictEqual(outcomes.filter(Outcome.isNotWritten), [], "elements not written")
  )

/** Stores records, and waits until the index counts them and a query finds them. */
export const store = (bench: Bench, records: ReadonlyArray<VectorRecord<Metadata>>, namespace = bench.namespace) =>
  Effect.gen(function* () {
    const count = records.length
    yield* allWritten(records, PineconeSink.upsertOutcomes({ namespace }))
    yield* holds(bench, count, namespace)
    const query = bench.index.query({ namespace, vector: at(bench, 0), topK: count })
    yield* bench.soon(
      Effect.map(query, ({ matches }) => assert.strictEqual(matches.length, count, "records a query finds"))
    )
  })

/** Runs an effect on the same index with some of its calls or limits replaced. */
export const changed =
  (index: Service, change: Partial<Service>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, PineconeIndex>> =>
    Effect.provideService(effect, PineconeIndex, { ...index, ...change })
