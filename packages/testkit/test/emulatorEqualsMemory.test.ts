/** Any sequence of calls has the same answers in memory and from the emulator, through the official SDK and over gRPC. */
import * as PineconeGrpc from "@effect-connectors/pinecone/PineconeGrpc"
import type { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import {
  type Match,
  PineconeIndex,
  type QueryRequest,
  type Service,
  type WriteReply
} from "@effect-connectors/pinecone/PineconeIndex"
import type { Metadata, VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { PineconeMemory } from "@effect-connectors/testkit"
import { PineconeEmulator } from "@effect-connectors/testkit/PineconeEmulator"
import { assert, layer } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

const kinds = ["cosine", "dotproduct", "euclidean", "sparse"] as const
type Kind = (typeof kinds)[number]

/** An index of each kind, twice. */
class Pairs extends Context.Service<Pairs, Readonly<Record<Kind, readonly [memory: Service, emulated: Service]>>>()(
  "test/Pairs"
) {}

const dimension = 3
const indexOf = (kind: Kind) => (kind === "sparse" ? ({ vectorType: "sparse" } as const) : { metric: kind, dimension })

const build = (from: Layer.Layer<PineconeIndex, PineconeError>): Effect.Effect<Service, PineconeError, Scope.Scope> =>
  Effect.map(Layer.build(from), Context.get(PineconeIndex))

const pairs = (over: typeof PineconeIndex.layer) =>
  Layer.effect(
    Pairs,
    Effect.gen(function* () {
      const emulator = yield* PineconeEmulator
      const pair = (kind: Kind) =>
        Effect.gen(function* () {
          const { host } = yield* emulator.createIndex({ name: kind, ...indexOf(kind) })
          return [
            yield* build(PineconeMemory.layerWith(indexOf(kind))),
            yield* build(over({ apiKey: Redacted.make("any"), host }))
          ] as const
        })
      return {
        cosine: yield* pair("cosine"),
        dotproduct: yield* pair("dotproduct"),
        euclidean: yield* pair("euclidean"),
        sparse: yield* pair("sparse")
      }
    })
  ).pipe(Layer.provide(PineconeEmulator.layer))

/** Numbers that float32 can and can not hold exactly, few enough that vectors and scores are often equal. */
const Coordinate = Schema.Literals([-2, -0.1, 0, 0.3, 1, 1e-7, 16_777_217, 1 / 3])
const Vectors = Schema.Struct({
  values: Schema.Tuple([Schema.Literals([-1, 0.1, 2, Math.PI]), Coordinate, Coordinate]),
  sparse: Schema.Literals([0, 1, 2, 3])
})
const Id = Schema.Literals(["a", "b", "B", "a#1", "a b/&?%", "10"])
const Ids = Schema.NonEmptyArray(Id).check(Schema.isMaxLength(4))
const Tags = Schema.Array(Schema.Literals(["x", "y"])).check(Schema.isMaxLength(3))
const Fields = Schema.Struct({
  n: Schema.optionalKey(Schema.Literals([0, 1, 2.5])),
  text: Schema.optionalKey(Schema.Literals(["", "x", "é😀"])),
  flag: Schema.optionalKey(Schema.Boolean),
  tags: Schema.optionalKey(Tags)
})
const filters = [
  { n: 1 },
  { n: { $gte: 1 } },
  { text: { $ne: "x" } },
  { flag: false },
  { tags: { $in: ["x", ""] } },
  { $or: [{ n: { $lt: 1 } }, { tags: { $exists: false } }] },
  { $not: { $and: [{ n: { $nin: [0] } }, { text: "x" }] } },
  { n: { $like: 1 } },
  { n: { $gt: "1" } },
  { $and: [] }
]
const Filter = Schema.Literals(Arr.makeBy(filters.length, (n) => n))
const TopK = Schema.Literals([1, 2, 3, 5, 8, 100, 10_000, 0, 10_001])

const Upsert = Schema.TaggedStruct("Upsert", {
  records: Schema.NonEmptyArray(
    Schema.Struct({ id: Id, ...Vectors.fields, metadata: Schema.optionalKey(Fields) })
  ).check(Schema.isMaxLength(4))
})
const Query = Schema.TaggedStruct("Query", {
  vectors: Vectors,
  topK: TopK,
  filter: Schema.optionalKey(Filter),
  includeValues: Schema.Boolean,
  includeMetadata: Schema.Boolean
})
const Step = Schema.Union([
  Upsert,
  Schema.TaggedStruct("Update", { id: Id, vectors: Vectors, metadata: Schema.optionalKey(Fields) }),
  Schema.TaggedStruct("UpdateMetadata", { id: Id, metadata: Fields }),
  Schema.TaggedStruct("Delete", { ids: Ids }),
  Schema.TaggedStruct("DeleteWhere", { filter: Filter }),
  Schema.TaggedStruct("DeleteAll", {}),
  // Twice as often as others: it says most of what is stored.
  Query,
  Query,
  Schema.TaggedStruct("QueryById", { id: Id, topK: TopK }),
  Schema.TaggedStruct("Fetch", { ids: Ids }),
  Schema.TaggedStruct("List", {
    prefix: Schema.Literals(["", "a", "a#", "z"]),
    limit: Schema.Literals([1, 2, 100, 0, 101])
  }),
  Schema.TaggedStruct("Stats", {}),
  Schema.TaggedStruct("Namespaces", {}),
  Schema.TaggedStruct("DeleteNamespace", {}),
  Schema.TaggedStruct("Bad", { which: Schema.Literals(Arr.makeBy(15, (n) => n)) })
])
type Step = typeof Step.Type

const Space = Schema.Literals(["one", "two"])
/** Something is there to begin with, so that most steps are about something. */
const Sequence = Schema.Struct({
  first: Schema.Struct({ space: Space, step: Upsert }),
  rest: Schema.Array(Schema.Struct({ space: Space, step: Step })).check(Schema.isBetweenLength(2, 8))
})

const sparseVectors = [
  undefined,
  { indices: [7], values: [0.1] },
  { indices: [4_294_967_295, 7], values: [-1, 2] },
  { indices: [3, 2, 1], values: [0.3, 1e-7, 1] }
]

/** The parts of a vector that an index of the kind takes. */
const vectorsOf = (kind: Kind, { sparse, values }: typeof Vectors.Type) => ({
  values: kind === "sparse" ? undefined : values,
  sparseValues:
    kind === "sparse" ? sparseVectors[sparse || 1] : kind === "dotproduct" ? sparseVectors[sparse] : undefined
})

/** Requests that break a rule, by any index. */
const badRequests = (index: Service, namespace: string): ReadonlyArray<Effect.Effect<unknown, PineconeError>> => {
  const upsert = (record: VectorRecord) => index.upsert({ namespace, records: [record] })
  const values = [1, 2, 3]
  const json = (text: string): Metadata => JSON.parse(text)
  const query = (parts: Partial<QueryRequest>) => index.query({ namespace, topK: 1, ...parts })
  return [
    upsert({ id: "bad", values: [1, 2] }),
    upsert({ id: "bad", values: [0, 0, 0] }),
    upsert({ id: "bad", values: [1, NaN, 3] }),
    upsert({ id: "bad" }),
    upsert({ id: "", values }),
    upsert({ id: "x".repeat(513), values }),
    upsert({ id: "né", values }),
    upsert({ id: "bad", values, metadata: json(`{"a":{"b":1}}`) }),
    upsert({ id: "bad", values, metadata: { text: "x".repeat(40_960) } }),
    query({}),
    index.delete({ namespace, filter: {} }),
    query({ vector: [1, 2] }),
    query({ vector: values, id: "a" }),
    index.list({ namespace, paginationToken: "no token" }),
    index.update({ namespace, id: "a", values: [1, 2] })
  ]
}

const floats = (values: ArrayLike<number> | undefined) => values && Array.from(values, Math.fround)

/** A record as plain data, its numbers as float32. */
const plain = ({ id, metadata, sparseValues, values }: VectorRecord) => ({
  id,
  values: floats(values),
  indices: sparseValues && Array.from(sparseValues.indices),
  sparse: floats(sparseValues?.values),
  metadata
})

const byId = <A extends { readonly id: string }>(records: ReadonlyArray<A>) =>
  records.toSorted((a, b) => (a.id < b.id ? -1 : 1))

const match = (found: Match) => ({ ...plain(found), score: Math.fround(found.score) })

const write = ({ count, lsn }: WriteReply) => ({ count, numbered: lsn !== undefined })

interface At {
  readonly kind: Kind
  /** What the names of the sequence's namespaces begin with. */
  readonly start: string
  readonly space: string
  /** Read units as the wire has them. */
  readonly units: (readUnits: number | undefined) => number | undefined
}

/** Carries out a step; its answer as plain data, with names of namespaces less their beginning. */
const perform = (index: Service, step: Step, { kind, space, start, units }: At) => {
  const namespace = start + space
  const short = (name: string) => name.slice(start.length)
  switch (step._tag) {
    case "Upsert": {
      const records = Arr.map(step.records, ({ id, metadata, ...vectors }) => ({
        id,
        metadata,
        ...vectorsOf(kind, vectors)
      }))
      return Effect.map(index.upsert({ namespace, records }), write)
    }
    case "Update": {
      const { id, metadata, vectors } = step
      return Effect.map(index.update({ namespace, id, metadata, ...vectorsOf(kind, vectors) }), write)
    }
    case "UpdateMetadata":
      // There is always a field: to change nothing is refused before it is sent.
      return Effect.map(index.update({ namespace, id: step.id, metadata: { set: true, ...step.metadata } }), write)
    case "Delete":
      return Effect.map(index.delete({ namespace, ids: step.ids }), write)
    case "DeleteWhere":
      return Effect.map(index.delete({ namespace, filter: filterOf(step.filter) }), write)
    case "DeleteAll":
      return Effect.map(index.delete({ namespace, all: true }), write)
    case "Query": {
      const { filter, includeMetadata, includeValues, topK, vectors } = step
      const { sparseValues, values } = vectorsOf(kind, vectors)
      return Effect.map(
        index.query({
          namespace,
          topK,
          vector: values,
          sparseVector: sparseValues,
          filter: filter === undefined ? undefined : filterOf(filter),
          includeMetadata,
          includeValues
        }),
        ({ matches, readUnits }) => ({ matches: matches.map(match), readUnits: units(readUnits) })
      )
    }
    case "QueryById":
      return Effect.map(
        index.query({ namespace, topK: step.topK, id: step.id, includeValues: true }),
        ({ matches, readUnits }) => ({ matches: matches.map(match), readUnits: units(readUnits) })
      )
    case "Fetch":
      return Effect.map(index.fetch({ namespace, ids: step.ids }), ({ readUnits, records }) => ({
        records: byId([...records.values()]).map(plain),
        readUnits: units(readUnits)
      }))
    case "List":
      return pages(index, namespace, step.prefix, step.limit)
    case "Stats":
      return Effect.map(index.stats, ({ dimension, metric, namespaces }) => ({
        dimension,
        metric,
        namespaces: Array.from(namespaces)
          .filter(([name]) => name.startsWith(start))
          .map(([name, count]) => `${short(name)}: ${count}`)
          .sort()
      }))
    case "Namespaces":
      return Effect.map(index.namespaces({ prefix: start }), ({ namespaces, next }) => ({
        namespaces: namespaces.map(({ name, records }) => [short(name), records]),
        next
      }))
    case "DeleteNamespace":
      return Effect.as(index.deleteNamespace(namespace), "deleted")
    case "Bad":
      return badRequests(index, namespace)[step.which]!
  }
}

const filterOf = (which: number) => JSON.parse(JSON.stringify(filters[which]))

/** Every page of a list, by its tokens. */
const pages = (index: Service, namespace: string, prefix: string, limit: number) =>
  Effect.gen(function* () {
    const found = []
    let paginationToken: string | undefined
    do {
      const { ids, next, readUnits } = yield* index.list({ namespace, prefix, limit, paginationToken })
      found.push({ ids, readUnits })
      paginationToken = next
    } while (paginationToken !== undefined)
    return found
  })

/** The SDK's layer refuses before it sends what the store would refuse: who says no is the one thing that may differ. */
const refusals: ReadonlySet<string> = new Set(["InvalidRecord", "InvalidOption", "RequestRefused"])

/** What a program can tell of an answer: the plain data, or the reason of the failure. */
const told = <A>(answer: Effect.Effect<A, PineconeError>): Effect.Effect<unknown> =>
  Effect.match(answer, {
    onSuccess: (value) => value,
    onFailure: ({ reason }) => ({ failed: refusals.has(reason._tag) ? "refused" : reason._tag })
  })

/** Over gRPC read units are whole numbers. */
const wires = [
  { over: "REST", layerOver: PineconeIndex.layer, units: (readUnits: number | undefined) => readUnits, runs: 1000 },
  { over: "gRPC", layerOver: PineconeGrpc.layer, units: (readUnits = 0) => Math.ceil(readUnits), runs: 400 }
]

for (const { layerOver, over, runs, units } of wires) {
  layer(pairs(layerOver), { excludeTestServices: true })(`the emulator over ${over} and the memory layer`, (it) => {
    let sequences = 0

    it.effect.prop(
      "give the same answers to any sequence of calls",
      { kind: Schema.Literals(kinds), sequence: Sequence },
      ({ kind, sequence }) =>
        Effect.gen(function* () {
          const [memory, emulated] = (yield* Pairs)[kind]
          const start = `s${++sequences}-`
          for (const { space, step } of [sequence.first, ...sequence.rest]) {
            const at = { kind, start, space, units }
            const expected = yield* told(perform(memory, step, at))
            const answer = yield* told(perform(emulated, step, at))
            assert.deepStrictEqual(answer, expected, step._tag)
          }
        }),
      { timeout: 60_000, arbitrary: { runs, size: 100 } }
    )
  })
}
