/** Records and namespaces over REST: reads a request from its query or its JSON body, writes the answer as JSON. */
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { refused } from "../refusals.ts"
import type { NamespaceInfo } from "../namespaceCalls.ts"
import type { Reply } from "./call.ts"
import type { Project } from "./controlPlane.ts"
import * as Data from "./dataPlane.ts"
import { refusedByStore } from "./envelopes.ts"
import type { EmulatedIndex } from "./indexes.ts"
import * as Namespaces from "./namespacePlane.ts"
import { short, shortValues } from "./numbers.ts"
import { json } from "./reply.ts"
import * as Requests from "./requests.ts"
import { type Incoming, reader } from "./wire.ts"

/** Answers a request to an index. */
export type Handler = (index: EmulatedIndex, incoming: Incoming, project: Project) => Reply | Promise<Reply>

const answering =
  <Request, A>(
    read: (incoming: Incoming) => Result.Result<Request, string>,
    handler: Data.Handler<Request, A>,
    write: (answer: A) => object
  ): Handler =>
  (index, incoming) =>
    Result.match(
      Result.flatMap(Result.mapError(read(incoming), refused), (request) => handler(index, incoming.version, request)),
      { onFailure: refusedByStore, onSuccess: ({ answer, headers }) => json(200, write(answer), headers) }
    )

/** Reads a body by a schema. */
const inBody = <S extends Schema.ConstraintDecoder<unknown>>(schema: S) => {
  const read = reader(schema)
  return (incoming: Incoming) => read(incoming.body)
}

const ofNamespace = ({ query }: Incoming) => ({ namespace: query.get("namespace") })

const pageOf = ({ query }: Incoming) => ({
  prefix: query.get("prefix"),
  limit: wholeNumber(query.get("limit")),
  paginationToken: query.get("paginationToken")
})

const wholeNumber = (text: string | null): number | null => (text === null || text === "" ? null : Number(text))

const ofPath = ({ name }: Incoming) => Result.succeed({ namespace: name })

/** A record of a reply but for its id; `values` is always there. */
const contents = (record: VectorRecord) => ({
  values: record.values === undefined ? [] : shortValues(record.values),
  ...(record.sparseValues && {
    sparseValues: {
      indices: Array.from(record.sparseValues.indices),
      values: shortValues(record.sparseValues.values)
    }
  }),
  ...(record.metadata && { metadata: record.metadata })
})

/** By `fromEntries`, which makes a field of any id, `__proto__` too. */
const vectorsOf = ({ records }: Data.Records) =>
  Object.fromEntries(Array.from(records, ([id, record]) => [id, { id, ...contents(record) }]))

const pagination = ({ next }: Data.Paged) => (next === undefined ? {} : { pagination: { next } })

const readOf = ({ namespace, readUnits }: Data.Read) => ({ namespace, usage: { readUnits } })

/** Counts are text, because they are 64 bit. */
const namespaceOf = ({ name, records, schema }: NamespaceInfo) => ({
  name,
  record_count: String(records),
  ...(schema && { schema, indexed_fields: { fields: Object.keys(schema.fields) } })
})

const nothing = (): object => ({})

export const upsert = answering(inBody(Requests.Upsert), Data.upsert, ({ count }) => ({ upsertedCount: count }))

export const query = answering(inBody(Requests.Query), Data.query, (answer) => ({
  results: [],
  matches: answer.matches.map((match) => ({ id: match.id, score: short(match.score), ...contents(match) })),
  ...readOf(answer)
}))

export const fetch = answering(
  (incoming) => Result.succeed({ ...ofNamespace(incoming), ids: incoming.query.getAll("ids") }),
  Data.fetch,
  (answer) => ({ vectors: vectorsOf(answer), ...readOf(answer) })
)

export const fetchByMetadata = answering(inBody(Requests.FetchByMetadata), Data.fetchByMetadata, (answer) => ({
  vectors: vectorsOf(answer),
  ...pagination(answer),
  ...readOf(answer)
}))

export const list = answering(
  (incoming) => Result.succeed({ ...ofNamespace(incoming), ...pageOf(incoming) }),
  Data.list,
  (answer) => ({ vectors: answer.ids.map((id) => ({ id })), ...pagination(answer), ...readOf(answer) })
)

export const update = answering(inBody(Requests.Update), Data.update, ({ matched }) =>
  matched === undefined ? {} : { matchedRecords: matched }
)

export const remove = answering(inBody(Requests.Delete), Data.remove, nothing)

export const stats = answering(inBody(Requests.Stats), Data.stats, (answer) => ({
  namespaces: Object.fromEntries(answer.namespaces.map(([name, vectorCount]) => [name, { vectorCount }])),
  ...(answer.dimension === undefined ? {} : { dimension: answer.dimension }),
  indexFullness: 0,
  totalVectorCount: answer.totalRecords,
  metric: answer.metric,
  vectorType: answer.vectorType
}))

export const listNamespaces = answering(
  (incoming) => Result.succeed(pageOf(incoming)),
  Namespaces.listNamespaces,
  (answer) => ({
    namespaces: answer.namespaces.map(namespaceOf),
    ...pagination(answer),
    total_count: answer.total
  })
)

export const createNamespace = answering(inBody(Requests.CreateNamespace), Namespaces.createNamespace, namespaceOf)

export const describeNamespace = answering(ofPath, Namespaces.describeNamespace, namespaceOf)

export const deleteNamespace = answering(ofPath, Namespaces.deleteNamespace, nothing)
