/**
 * The replies of the data plane and how they become ours. Read from the wire, since the SDK drops counts and the
 * metric. Fields the service adds later are ignored, and metadata fields that are null are as good as absent. Metadata
 * of another type than Pinecone has makes the whole reply an invalid one: leaving it out would lose data unseen, and
 * a reply has no place for a record that failed.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { FetchReply, ListReply, NamespacesReply, QueryReply, Stats } from "../PineconeApi.ts"
import type { Metadata as MetadataType, MetadataValue } from "../VectorRecord.ts"
import { namespaceName } from "./namespace.ts"

/** Reads the body of a 2xx answer. */
export type Reply<A> = (body: string) => Result.Result<A, Schema.SchemaError>

const isNumbers = (u: unknown): u is ReadonlyArray<number> => {
  if (!Array.isArray(u)) return false
  for (let i = 0; i < u.length; i++) if (typeof u[i] !== "number") return false
  return true
}

const isMetadataValue = (u: unknown): u is MetadataValue =>
  typeof u === "string" ||
  typeof u === "number" ||
  typeof u === "boolean" ||
  (Array.isArray(u) && u.every((element) => typeof element === "string"))

const isMetadata = (u: unknown): u is { readonly [field: string]: MetadataValue | null } =>
  Predicate.isReadonlyObject(u) && Object.values(u).every((value) => value === null || isMetadataValue(value))

const isField = (field: [string, MetadataValue | null]): field is [string, MetadataValue] => field[1] !== null

const withoutNulls = (metadata: typeof Metadata.Type): MetadataType =>
  Object.fromEntries(Object.entries(metadata).filter(isField))

const Numbers = Schema.declare(isNumbers, { expected: "an array of numbers" })
const Metadata = Schema.declare(isMetadata, { expected: "flat metadata" })
const SparseValues = Schema.Struct({ indices: Numbers, values: Numbers })

const recordFields = {
  id: Schema.String,
  values: Schema.optionalKey(Schema.NullOr(Numbers)),
  sparseValues: Schema.optionalKey(Schema.NullOr(SparseValues)),
  metadata: Schema.optionalKey(Schema.NullOr(Metadata))
}
const WireRecord = Schema.Struct(recordFields)
const WireMatch = Schema.Struct({ ...recordFields, score: Schema.Finite })

/** An absent dense vector arrives as an empty one. */
const toRecord = (wire: typeof WireRecord.Type) => ({
  id: wire.id,
  values: wire.values?.length ? wire.values : undefined,
  sparseValues: wire.sparseValues?.indices.length ? wire.sparseValues : undefined,
  metadata: wire.metadata ? withoutNulls(wire.metadata) : undefined
})

const usage = Schema.optionalKey(Schema.Struct({ readUnits: Schema.optionalKey(Schema.Finite) }))

export const pagination = Schema.optionalKey(Schema.NullOr(Schema.Struct({ next: Schema.optionalKey(Schema.String) })))

/** An empty token means the same as none: there is no next page. */
export const nextOf = (wire: { readonly pagination?: typeof pagination.Type }): string | undefined =>
  wire.pagination?.next || undefined

/** Sparse indexes have none. */
const dimension = Schema.optionalKey(Schema.NullOr(Schema.Int))

/** 64 bit counts arrive as decimal strings. */
const Count = Schema.Union([Schema.Finite, Schema.FiniteFromString])

/** Reads a body by a schema of its JSON. */
export const reads = <S extends Schema.ConstraintDecoder<unknown>, A>(
  schema: S,
  map: (wire: S["Type"]) => A
): Reply<A> => {
  const decode = Schema.decodeUnknownResult(Schema.fromJsonString(schema))
  return (body) => Result.map(decode(body), map)
}

/** Some deployments answer these with an empty body. */
export const readsOrEmpty =
  <A>(reply: Reply<A>): Reply<A> =>
  (body) =>
    reply(body === "" ? "{}" : body)

/** The count of records the service took. */
export const upserted = reads(
  Schema.Struct({ upsertedCount: Schema.optionalKey(Schema.Int) }),
  ({ upsertedCount }) => upsertedCount
)

/** The count of records an update matched, where the service tells it. */
export const updated = readsOrEmpty(
  reads(Schema.Struct({ matchedRecords: Schema.optionalKey(Schema.Int) }), ({ matchedRecords }) => matchedRecords)
)

/** Nothing but that it was done. */
export const done = readsOrEmpty(reads(Schema.Struct({}), () => undefined))

export const query: Reply<QueryReply> = reads(
  Schema.Struct({ matches: Schema.optionalKey(Schema.Array(WireMatch)), usage }),
  (wire) => ({
    matches: (wire.matches ?? []).map((match) => ({ ...toRecord(match), score: match.score })),
    readUnits: wire.usage?.readUnits
  })
)

export const fetched: Reply<FetchReply> = reads(
  Schema.Struct({ vectors: Schema.optionalKey(Schema.Record(Schema.String, WireRecord)), usage }),
  (wire) => ({
    records: new Map(Object.entries(wire.vectors ?? {}).map(([id, found]) => [id, toRecord(found)])),
    readUnits: wire.usage?.readUnits
  })
)

export const listed: Reply<ListReply> = reads(
  Schema.Struct({
    vectors: Schema.optionalKey(Schema.Array(Schema.Struct({ id: Schema.String }))),
    pagination,
    usage
  }),
  (wire) => ({
    ids: (wire.vectors ?? []).map(({ id }) => id),
    next: nextOf(wire),
    readUnits: wire.usage?.readUnits
  })
)

export const stats: Reply<Stats> = reads(
  Schema.Struct({
    namespaces: Schema.optionalKey(
      Schema.Record(Schema.String, Schema.Struct({ vectorCount: Schema.optionalKey(Schema.Int) }))
    ),
    dimension,
    metric: Schema.optionalKey(Schema.NullOr(Schema.String)),
    totalVectorCount: Schema.optionalKey(Schema.Int)
  }),
  (wire) => {
    const namespaces = new Map(
      Object.entries(wire.namespaces ?? {}).map(([name, { vectorCount }]) => [namespaceName(name), vectorCount ?? 0])
    )
    return {
      dimension: wire.dimension || undefined,
      metric: wire.metric ?? undefined,
      totalRecords: wire.totalVectorCount ?? Array.from(namespaces.values()).reduce((sum, count) => sum + count, 0),
      namespaces
    }
  }
)

export const namespaces: Reply<NamespacesReply> = reads(
  Schema.Struct({
    namespaces: Schema.optionalKey(
      Schema.Array(Schema.Struct({ name: Schema.String, record_count: Schema.optionalKey(Count) }))
    ),
    pagination
  }),
  (wire) => ({
    namespaces: (wire.namespaces ?? []).map(({ name, record_count }) => ({
      name: namespaceName(name),
      records: record_count ?? 0
    })),
    next: nextOf(wire)
  })
)

const fields = Schema.Record(
  Schema.String,
  Schema.Struct({
    type: Schema.optionalKey(Schema.String),
    full_text_search: Schema.optionalKey(Schema.Unknown),
    dimension
  })
)

/** The data plane of an index, which is fixed when it is made. */
export type Plane = "vectors" | "records" | "documents"

/** What the control plane tells of where an index is and what it is. */
export interface Described {
  readonly host: string
  readonly dimension: number | undefined
  readonly plane: Plane | undefined
  /** The field whose text the index embeds. */
  readonly textField: string | undefined
}

const planeOf = (described: typeof fields.Type): Plane | undefined => {
  const all = Object.values(described)
  if (all.some(({ type }) => type === "semantic_text")) return "records"
  if ("_values" in described || "_sparse_values" in described) return "vectors"
  return all.some(
    ({ full_text_search, type }) =>
      type === "dense_vector" || type === "sparse_vector" || (type === "string" && Predicate.isObject(full_text_search))
  )
    ? "documents"
    : undefined
}

const textFieldOf = (described: typeof fields.Type): string | undefined =>
  Object.keys(described).find((name) => described[name]?.type === "semantic_text")

/** Before 2026-07 an index that embeds text told of its model here. */
const embed = Schema.optionalKey(
  Schema.NullOr(
    Schema.Struct({ field_map: Schema.optionalKey(Schema.Struct({ text: Schema.optionalKey(Schema.String) })) })
  )
)

/** Where an index is, its plane, and the length of its dense vectors, which versions before 2026-07 tell at the top. */
export const described = reads(
  Schema.Struct({
    host: Schema.String,
    private_host: Schema.optionalKey(Schema.NullOr(Schema.String)),
    dimension,
    schema: Schema.optionalKey(Schema.NullOr(Schema.Struct({ fields }))),
    embed
  }),
  (wire): Described => ({
    host: wire.private_host || wire.host,
    dimension: (wire.schema?.fields["_values"]?.dimension ?? wire.dimension) || undefined,
    plane: wire.embed ? "records" : planeOf(wire.schema?.fields ?? {}),
    textField: textFieldOf(wire.schema?.fields ?? {}) ?? wire.embed?.field_map?.text
  })
)
