/** What every section of the suite works with: an index, a ground of the test's own, and records to put there. */
import { PineconeIndex, type Service } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import type { Metadata, VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { assert } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type Ground, holds, onGround } from "./ground.ts"
import { allWritten } from "./outcomes.ts"

/** The suite's options, complete. */
export interface Settings {
  readonly dimension: number
  readonly metric: "cosine" | "dotproduct" | "euclidean"
  /** How long a write may take to be readable; zero when it is at once. */
  readonly eventually: Duration.Duration
  readonly live: boolean
}

/** What a test is given. */
export interface Bench extends Settings, Ground {
  readonly index: Service
}

/** Registers a test. */
export type Test = (
  name: string,
  body: (bench: Bench) => Effect.Effect<unknown, unknown, PineconeIndex | Scope.Scope>
) => void

/** Runs a test. */
export const onBench = <A, E, R>(settings: Settings, body: (bench: Bench) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(PineconeIndex, (index) =>
    onGround(index, settings.eventually, (ground) => body({ ...settings, ...ground, index }))
  )

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
