/**
 * The messages of Pinecone's `VectorService`, as protobuf: fields by their numbers, with the names they have in JSON.
 * Lists of numbers are written packed and read either way; unknown fields are skipped.
 */
import protobuf from "protobufjs/light.js"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"

type FieldOf = protobuf.IField | protobuf.IMapField

const one = (id: number, type: string): FieldOf => ({ id, type })
/** A field whose absence differs from its default. */
const maybe = (id: number, type: string): FieldOf => ({
  id,
  type,
  options: { features: { field_presence: "EXPLICIT" } }
})
const many = (id: number, type: string): FieldOf => ({ id, type, rule: "repeated" })
const map = (id: number, type: string): FieldOf => ({ id, keyType: "string", type })

const message = (fields: Readonly<Record<string, FieldOf>>) => ({ fields })

const record = {
  id: one(1, "string"),
  values: many(2, "float"),
  metadata: one(3, "Struct"),
  sparseValues: one(4, "SparseValues")
}

/** Metadata and filters: `google.protobuf.Struct` under a short name, which is not on the wire. */
const struct = {
  Struct: message({ fields: map(1, "Value") }),
  Value: {
    ...message({
      nullValue: one(1, "uint32"),
      numberValue: one(2, "double"),
      stringValue: one(3, "string"),
      boolValue: one(4, "bool"),
      structValue: one(5, "Struct"),
      listValue: one(6, "ListValue")
    }),
    oneofs: { kind: { oneof: ["nullValue", "numberValue", "stringValue", "boolValue", "structValue", "listValue"] } }
  },
  ListValue: message({ values: many(1, "Value") })
}

const root = protobuf.Root.fromJSON({
  nested: {
    ...struct,
    SparseValues: message({ indices: many(1, "uint32"), values: many(2, "float") }),
    Vector: message(record),
    ScoredVector: message({
      id: record.id,
      score: one(2, "float"),
      values: many(3, "float"),
      metadata: one(4, "Struct"),
      sparseValues: one(5, "SparseValues")
    }),
    Usage: message({ readUnits: maybe(1, "uint32") }),
    Pagination: message({ next: one(1, "string") }),
    ListItem: message({ id: one(1, "string") }),

    UpsertRequest: message({ vectors: many(1, "Vector"), namespace: one(2, "string") }),
    UpsertResponse: message({ upsertedCount: one(1, "uint32") }),
    DeleteRequest: message({
      ids: many(1, "string"),
      deleteAll: one(2, "bool"),
      namespace: one(3, "string"),
      filter: one(4, "Struct")
    }),
    DeleteResponse: message({}),
    FetchRequest: message({ ids: many(1, "string"), namespace: one(2, "string") }),
    FetchResponse: message({ vectors: map(1, "Vector"), namespace: one(2, "string"), usage: one(3, "Usage") }),
    FetchByMetadataRequest: message({
      namespace: one(1, "string"),
      filter: one(2, "Struct"),
      limit: maybe(3, "uint32"),
      paginationToken: maybe(4, "string")
    }),
    FetchByMetadataResponse: message({
      vectors: map(1, "Vector"),
      namespace: one(2, "string"),
      usage: one(3, "Usage"),
      pagination: one(4, "Pagination")
    }),
    ListRequest: message({
      prefix: maybe(1, "string"),
      limit: maybe(2, "uint32"),
      paginationToken: maybe(3, "string"),
      namespace: one(4, "string")
    }),
    ListResponse: message({
      vectors: many(1, "ListItem"),
      pagination: one(2, "Pagination"),
      namespace: one(3, "string"),
      usage: one(4, "Usage")
    }),
    QueryRequest: message({
      namespace: one(1, "string"),
      topK: one(2, "uint32"),
      filter: one(3, "Struct"),
      includeValues: one(4, "bool"),
      includeMetadata: one(5, "bool"),
      vector: many(7, "float"),
      id: one(8, "string"),
      sparseVector: one(9, "SparseValues"),
      scanFactor: maybe(10, "float"),
      maxCandidates: maybe(11, "uint32")
    }),
    QueryResponse: message({ matches: many(2, "ScoredVector"), namespace: one(3, "string"), usage: one(4, "Usage") }),
    UpdateRequest: message({
      id: one(1, "string"),
      values: many(2, "float"),
      setMetadata: one(3, "Struct"),
      namespace: one(4, "string"),
      sparseValues: one(5, "SparseValues"),
      filter: one(6, "Struct"),
      dryRun: maybe(7, "bool")
    }),
    UpdateResponse: message({ matchedRecords: maybe(1, "int32") }),
    DescribeIndexStatsRequest: message({ filter: one(1, "Struct") }),
    NamespaceSummary: message({ vectorCount: one(1, "uint32") }),
    DescribeIndexStatsResponse: message({
      namespaces: map(1, "NamespaceSummary"),
      dimension: maybe(2, "uint32"),
      indexFullness: one(3, "float"),
      totalVectorCount: one(4, "uint32"),
      metric: maybe(5, "string"),
      vectorType: maybe(6, "string"),
      memoryFullness: maybe(7, "float"),
      storageFullness: maybe(8, "float")
    }),

    FieldProperties: message({ filterable: one(1, "bool") }),
    MetadataSchema: message({ fields: map(1, "FieldProperties") }),
    IndexedFields: message({ fields: many(1, "string") }),
    NamespaceDescription: message({
      name: one(1, "string"),
      recordCount: one(2, "uint64"),
      schema: one(3, "MetadataSchema"),
      indexedFields: one(4, "IndexedFields")
    }),
    ListNamespacesRequest: message({
      paginationToken: maybe(1, "string"),
      limit: maybe(2, "uint32"),
      prefix: maybe(3, "string")
    }),
    ListNamespacesResponse: message({
      namespaces: many(1, "NamespaceDescription"),
      pagination: one(2, "Pagination"),
      totalCount: one(3, "int32")
    }),
    CreateNamespaceRequest: message({ name: one(1, "string"), schema: one(2, "MetadataSchema") }),
    DescribeNamespaceRequest: message({ namespace: one(1, "string") }),
    DeleteNamespaceRequest: message({ namespace: one(1, "string") })
  }
})

/** Reads a message of a type, or says what is wrong with its bytes. Structs become plain objects. */
export const decoder = (type: string): ((bytes: Uint8Array) => Result.Result<unknown, string>) => {
  const found = root.lookupType(type)
  return (bytes) => {
    try {
      return Result.succeed(plain(found.decode(bytes)))
    } catch (error) {
      return Result.fail(`The message is no ${type}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

/** Writes a message of a type from an object with its fields. */
export const encoder = (type: string): ((fields: object) => Uint8Array) => {
  const found = root.lookupType(type)
  return (fields) => found.encode(fields).finish()
}

const Struct = root.lookupType("Struct").ctor

/** What was decoded, as JSON would have it; lists of numbers are not copied. */
const plain = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map(plain)
  if (value instanceof Struct) return fieldsOf(value)
  return mapFields(value, plain)
}

/** By `fromEntries`, which makes a field of any name, `__proto__` too. */
const mapFields = (value: object, f: (field: unknown) => unknown): object =>
  Object.fromEntries(Object.entries(value).map(([name, field]) => [name, f(field)]))

const fieldsOf = (struct: unknown): object =>
  Predicate.hasProperty(struct, "fields") && Predicate.isObject(struct.fields) ? mapFields(struct.fields, valueOf) : {}

const itemsOf = (list: unknown): Array<unknown> =>
  Predicate.hasProperty(list, "values") && Array.isArray(list.values) ? list.values.map(valueOf) : []

/** A `Value` holds one thing; of several the last one is it, and one that holds nothing is null. */
const valueOf = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return null
  const [kind, content] = Object.entries(value).at(-1) ?? []
  switch (kind) {
    case "structValue":
      return fieldsOf(content)
    case "listValue":
      return itemsOf(content)
    case "nullValue":
      return null
    default:
      return content ?? null
  }
}

/** A plain object as a `Struct`. */
export const toStruct = (fields: object): object => ({ fields: mapFields(fields, toValue) })

const toValue = (value: unknown): object => {
  switch (typeof value) {
    case "string":
      return { stringValue: value }
    case "number":
      return { numberValue: value }
    case "boolean":
      return { boolValue: value }
    default:
      return Array.isArray(value) ? { listValue: { values: value.map(toValue) } } : { nullValue: 0 }
  }
}
