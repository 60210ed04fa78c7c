import { assert } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { defaultLimits, type Limits } from "../src/internal/limits.ts"
import type { Refusal } from "../src/internal/refusals.ts"
import type { Answer } from "../src/internal/answer.ts"
import * as VectorStore from "../src/internal/vectorStore.ts"

export interface Options extends Partial<Omit<VectorStore.StoreOptions, "limits">> {
  readonly limits?: Partial<Limits>
}

/** A dense dotproduct index of dimension 2, unless told otherwise. */
export const make = ({ limits, ...options }: Options = {}): VectorStore.VectorStore =>
  VectorStore.make({
    vectorType: "dense",
    metric: "dotproduct",
    dimension: 2,
    ...options,
    limits: { ...defaultLimits, ...limits }
  })

/** The answer of a call that must succeed. */
export const ok = <A>(answer: Answer<A>): A => Result.getOrThrow(answer)

/** Asserts that a call is refused with that status, gRPC code and text. */
export const assertRefused = <A>(answer: Answer<A>, status: number, grpcCode: number, text: string): Refusal => {
  assert.isTrue(Result.isFailure(answer))
  const refusal = Result.getOrThrow(Result.flip(answer))
  assert.deepStrictEqual({ ...refusal.wire }, { status, grpcCode })
  assert.include(refusal.message, text)
  return refusal
}

const Id = Schema.Literals(["a", "b", "c", "d"])
const Value = Schema.Literals([-1, 0.1, 2])
const Metadata = Schema.Struct({
  n: Schema.optionalKey(Schema.Literals([0, 1, 2])),
  tags: Schema.optionalKey(Schema.Array(Schema.Literals(["x", "y\u00e9"])))
})
const namespace = Schema.Literals(["", "ns", "other"])
const values = Schema.Tuple([Value, Value])
const sparseValues = Schema.optionalKey(
  Schema.Struct({ indices: Schema.Tuple([Schema.Literals([3, 4_294_967_295])]), values: Schema.Tuple([Value]) })
)

/** A write of any kind. */
export const Step = Schema.Union([
  Schema.TaggedStruct("Upsert", {
    namespace,
    records: Schema.NonEmptyArray(
      Schema.Struct({ id: Id, values, sparseValues, metadata: Schema.optionalKey(Metadata) })
    )
  }),
  Schema.TaggedStruct("Update", {
    namespace,
    id: Id,
    values: Schema.optionalKey(values),
    sparseValues,
    metadata: Schema.optionalKey(Metadata)
  }),
  Schema.TaggedStruct("UpdateByFilter", {
    namespace,
    filter: Schema.Struct({ n: Schema.Literals([0, 1]) }),
    metadata: Metadata
  }),
  Schema.TaggedStruct("Delete", { namespace, ids: Schema.NonEmptyArray(Id) }),
  Schema.TaggedStruct("DeleteByFilter", { namespace, n: Schema.Literals([0, 1]) }),
  Schema.TaggedStruct("DeleteAll", { namespace }),
  Schema.TaggedStruct("CreateNamespace", { namespace, field: Schema.Literals(["", "n", "tags"]) }),
  Schema.TaggedStruct("DeleteNamespace", { namespace })
])
export type Step = typeof Step.Type

/** Makes one step; what is refused changes nothing. */
export const run = (store: VectorStore.VectorStore, step: Step): Answer<unknown> => {
  switch (step._tag) {
    case "Upsert":
      return store.upsert(step)
    case "Update":
      return store.update(step)
    case "UpdateByFilter":
      return store.updateByFilter(step)
    case "Delete":
      return store.delete(step)
    case "DeleteByFilter":
      return store.delete({ namespace: step.namespace, filter: { n: step.n } })
    case "DeleteAll":
      return store.delete({ namespace: step.namespace, all: true })
    case "CreateNamespace":
      return store.createNamespace({
        name: step.namespace,
        ...(step.field === "" ? {} : { schema: { fields: { [step.field]: { filterable: true } } } })
      })
    case "DeleteNamespace":
      return store.deleteNamespace(step.namespace)
  }
}

/** Everything reads can see of the records. */
export const records = (store: VectorStore.VectorStore) => {
  const stats = store.stats()
  return {
    stats,
    byNamespace: Array.from(stats.namespaces.keys())
      .sort()
      .map((name) => {
        const { ids } = ok(store.list({ namespace: name }))
        const [id] = ids
        return {
          name,
          ids,
          records: ids.map((id) => ok(store.fetch({ namespace: name, ids: [id] }))),
          tagged: ok(store.fetchByMetadata({ namespace: name, filter: { tags: "x" } })),
          nearest: ok(store.query({ namespace: name, vector: [1, 2], topK: 10, includeValues: true })),
          nearFirst: id === undefined ? undefined : ok(store.query({ namespace: name, id, topK: 2 }))
        }
      })
  }
}

/** All there is: records, namespaces, schemas. */
export const content = (store: VectorStore.VectorStore) => ({
  ...records(store),
  namespaces: ok(store.namespaces({})).namespaces.map(({ name }) => ok(store.describeNamespace(name))),
  lsn: store.indexedLsn("")
})
