/** The methods of `VectorService`: what each reads, which call it is, and what it writes. */
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { type Refusal, refused } from "../../refusals.ts"
import type { NamespaceInfo } from "../../namespaceCalls.ts"
import type { Reply } from "../call.ts"
import * as Data from "../dataPlane.ts"
import type { EmulatedIndex } from "../indexes.ts"
import { inBody, inName, inNone, type MeterBody, ofMany } from "../meters.ts"
import * as Namespaces from "../namespacePlane.ts"
import * as Requests from "../requests.ts"
import { reader } from "../wire.ts"
import { decoder, encoder, toStruct } from "./messages.ts"

/** A reply before it is framed. */
export interface Written {
  readonly message: Uint8Array
  readonly headers: Reply["headers"]
}

export interface Method {
  /** As faults and quotas call it. */
  readonly operation: string
  readonly meter: MeterBody
  /** Reads the message of a request. */
  readonly decode: (message: Uint8Array) => Result.Result<unknown, string>
  readonly answer: (index: EmulatedIndex, version: string, body: unknown) => Result.Result<Written, Refusal>
}

const method = <S extends Schema.ConstraintDecoder<unknown>, A>(
  operation: string,
  messages: readonly [request: string, response: string],
  request: S,
  handler: Data.Handler<S["Type"], A>,
  write: (answer: A) => object,
  meter: MeterBody = inBody
): Method => {
  const read = reader(request)
  const encode = encoder(messages[1])
  return {
    operation,
    meter,
    decode: decoder(messages[0]),
    answer: (index, version, body) =>
      Result.map(
        Result.flatMap(Result.mapError(read(body), refused), (request) => handler(index, version, request)),
        ({ answer, headers }) => ({ message: encode(write(answer)), headers })
      )
  }
}

const contents = ({ metadata, ...record }: VectorRecord) => ({
  ...record,
  ...(metadata && { metadata: toStruct(metadata) })
})

/** By `fromEntries`, which makes a field of any id, `__proto__` too. */
const vectorsOf = ({ records }: Data.Records) =>
  Object.fromEntries(Array.from(records, ([id, record]) => [id, contents(record)]))

const pagination = ({ next }: Data.Paged) => (next === undefined ? {} : { pagination: { next } })

/** Read units are whole numbers here, where JSON has fractions. */
const readOf = ({ namespace, readUnits }: Data.Read) => ({ namespace, usage: { readUnits: Math.ceil(readUnits) } })

const namespaceOf = ({ name, records, schema }: NamespaceInfo) => ({
  name,
  recordCount: records,
  ...(schema && { schema, indexedFields: { fields: Object.keys(schema.fields) } })
})

const nothing = (): object => ({})

const methods: ReadonlyMap<string, Method> = new Map([
  [
    "Upsert",
    method("upsert", ["UpsertRequest", "UpsertResponse"], Requests.Upsert, Data.upsert, ({ count }) => ({
      upsertedCount: count
    }))
  ],
  [
    "Query",
    method("query", ["QueryRequest", "QueryResponse"], Requests.Query, Data.query, (answer) => ({
      matches: answer.matches.map(contents),
      ...readOf(answer)
    }))
  ],
  [
    "Fetch",
    method("fetch", ["FetchRequest", "FetchResponse"], Requests.Fetch, Data.fetch, (answer) => ({
      vectors: vectorsOf(answer),
      ...readOf(answer)
    }))
  ],
  [
    "FetchByMetadata",
    method(
      "fetchByMetadata",
      ["FetchByMetadataRequest", "FetchByMetadataResponse"],
      Requests.FetchByMetadata,
      Data.fetchByMetadata,
      (answer) => ({ vectors: vectorsOf(answer), ...pagination(answer), ...readOf(answer) })
    )
  ],
  [
    "List",
    method("list", ["ListRequest", "ListResponse"], Requests.List, Data.list, (answer) => ({
      vectors: answer.ids.map((id) => ({ id })),
      ...pagination(answer),
      ...readOf(answer)
    }))
  ],
  [
    "Update",
    method(
      "update",
      ["UpdateRequest", "UpdateResponse"],
      Requests.Update,
      Data.update,
      ({ matched }) => (matched === undefined ? {} : { matchedRecords: matched }),
      ofMany
    )
  ],
  ["Delete", method("delete", ["DeleteRequest", "DeleteResponse"], Requests.Delete, Data.remove, nothing, ofMany)],
  [
    "DescribeIndexStats",
    method(
      "stats",
      ["DescribeIndexStatsRequest", "DescribeIndexStatsResponse"],
      Requests.Stats,
      Data.stats,
      (answer) => ({
        namespaces: Object.fromEntries(answer.namespaces.map(([name, vectorCount]) => [name, { vectorCount }])),
        dimension: answer.dimension,
        indexFullness: 0,
        totalVectorCount: answer.totalRecords,
        metric: answer.metric,
        vectorType: answer.vectorType
      }),
      inNone
    )
  ],
  [
    "ListNamespaces",
    method(
      "namespaces",
      ["ListNamespacesRequest", "ListNamespacesResponse"],
      Requests.ListNamespaces,
      Namespaces.listNamespaces,
      (answer) => ({
        namespaces: answer.namespaces.map(namespaceOf),
        ...pagination(answer),
        totalCount: answer.total
      }),
      inNone
    )
  ],
  [
    "CreateNamespace",
    method(
      "createNamespace",
      ["CreateNamespaceRequest", "NamespaceDescription"],
      Requests.CreateNamespace,
      Namespaces.createNamespace,
      namespaceOf,
      inName
    )
  ],
  [
    "DescribeNamespace",
    method(
      "describeNamespace",
      ["DescribeNamespaceRequest", "NamespaceDescription"],
      Requests.OfNamespace,
      Namespaces.describeNamespace,
      namespaceOf
    )
  ],
  [
    "DeleteNamespace",
    method(
      "deleteNamespace",
      ["DeleteNamespaceRequest", "DeleteResponse"],
      Requests.OfNamespace,
      Namespaces.deleteNamespace,
      nothing
    )
  ]
])

const service = "/VectorService/"

/** The method of a path; `undefined` when there is none. */
export const find = (path: string): Method | undefined =>
  path.startsWith(service) ? methods.get(path.slice(service.length)) : undefined
