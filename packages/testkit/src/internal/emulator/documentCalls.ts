/** Documents over REST: reads a request, asks the store, writes the answer as JSON in snake case. */
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { type Answer, no } from "../answer.ts"
import type * as DocumentStore from "../documents/documentStore.ts"
import type { DocumentFields, FieldValue } from "../documents/namespaceDocuments.ts"
import { hasNoDocuments, refused } from "../refusals.ts"
import type { Reply } from "./call.ts"
import { calledBy, found, namespaceOf, type Read, type Told, written } from "./dataPlane.ts"
import * as Requests from "./documentRequests.ts"
import { refusedInControlForm } from "./envelopes.ts"
import type { DocumentIndex, EmulatedIndex } from "./indexes.ts"
import { short, shortValues } from "./numbers.ts"
import { json } from "./reply.ts"
import { type Incoming, reader } from "./wire.ts"

/** What a call knows beside its body. */
interface Context {
  readonly index: DocumentIndex
  readonly version: string
  readonly namespace: string
  /** Of the body. */
  readonly bytes: number
}

const onDocuments = <S extends Schema.ConstraintDecoder<unknown>>(
  what: "writes" | "reads",
  schema: S,
  handler: (context: Context, request: S["Type"]) => Answer<Told<object>>
) => {
  const read = reader(schema)
  return (index: EmulatedIndex, { body, bytes, name, version }: Incoming): Reply =>
    Result.match(
      Result.gen(function* () {
        if (index.plane !== "documents") return yield* Result.fail(hasNoDocuments(what))
        const namespace = yield* namespaceOf(version, name)
        return yield* handler({ index, version, namespace, bytes }, yield* Result.mapError(read(body), refused))
      }),
      {
        onFailure: refusedInControlForm,
        onSuccess: ({ answer, headers }) => json(what === "writes" ? 202 : 200, answer, headers)
      }
    )
}

const matchedOf = ({ matched }: DocumentStore.WriteReply) => (matched === undefined ? {} : { matched_records: matched })

export const upsert = onDocuments("writes", Requests.Upsert, ({ bytes, index, namespace }, { documents }) =>
  Result.map(index.store.upsert({ namespace, documents, bytes }), ({ lsn }) =>
    written({ upserted_count: documents.length }, lsn)
  )
)

export const search = onDocuments("reads", Requests.Search, (context, request) =>
  Result.map(
    context.index.store.search({
      namespace: context.namespace,
      scoreBy: request.score_by.map((method) => ({
        type: method.type,
        fields: method.fields ?? undefined,
        field: method.field ?? undefined,
        query: method.query ?? undefined,
        values: method.values ?? undefined,
        sparseValues: method.sparse_values ?? undefined
      })),
      topK: request.top_k,
      includeFields: request.include_fields ?? undefined,
      filter: request.filter ?? undefined
    }),
    ({ matches, readUnits }) =>
      seen(
        context,
        {
          matches: matches.map(({ fields, id, score }) => ({
            _id: id,
            _score: score === null ? null : short(score),
            ...onWire(fields)
          }))
        },
        readUnits
      )
  )
)

export const fetch = onDocuments("reads", Requests.Fetch, (context, request) =>
  Result.gen(function* () {
    const { filter, ids, pagination_token: token } = request
    if ((ids === undefined || ids === null) === (filter === undefined || filter === null)) {
      return yield* no("A fetch needs exactly one of ids and filter")
    }
    if (ids && token) return yield* no("A pagination_token is only valid together with a filter")
    const common = {
      namespace: context.namespace,
      includeFields: request.include_fields ?? undefined,
      limit: request.limit ?? undefined
    }
    const { documents, next, readUnits } = yield* context.index.store.fetch(
      ids ? { ...common, ids } : { ...common, filter, paginationToken: token || undefined }
    )
    const all = Array.from(documents, ([id, fields]) => [id, { _id: id, ...onWire(fields) }] as const)
    return seen(context, { documents: Object.fromEntries(all), ...paginationOf(next) }, readUnits)
  })
)

export const list = onDocuments("reads", Requests.List, (context, request) =>
  Result.map(
    context.index.store.list({
      namespace: context.namespace,
      prefix: request.prefix ?? undefined,
      limit: request.limit ?? undefined,
      paginationToken: request.pagination_token || undefined
    }),
    ({ ids, next, readUnits }) =>
      seen(context, { documents: ids.map((id) => ({ _id: id })), ...paginationOf(next) }, readUnits)
  )
)

export const update = onDocuments("writes", Requests.Update, ({ bytes, index, namespace }, request) =>
  Result.gen(function* () {
    const { documents, filter } = request
    const setFields = request.set_fields ?? {}
    const removeFields = request.remove_fields ?? []
    const changesFields = Object.keys(setFields).length + removeFields.length > 0
    if (Boolean(documents) === Boolean(filter)) return yield* no("An update needs exactly one of documents and filter")
    if (documents) {
      if (changesFields) return yield* no("set_fields and remove_fields are only valid together with a filter")
      const reply = yield* index.store.update({ namespace, documents, bytes })
      return written({}, reply.lsn)
    }
    if (!changesFields) return yield* no("An update by filter needs set_fields or remove_fields that are not empty")
    const reply = yield* index.store.updateByFilter({ namespace, filter, setFields, removeFields })
    return written(matchedOf(reply), reply.lsn)
  })
)

export const remove = onDocuments("writes", Requests.Delete, ({ index, namespace }, { delete_all, filter, ids }) =>
  Result.gen(function* () {
    const ways = [
      ...(ids ? [{ ids }] : []),
      ...(filter ? [{ filter }] : []),
      ...(delete_all ? [{ all: true as const }] : [])
    ]
    const [way] = ways
    if (way === undefined || ways.length > 1) {
      return yield* no("A delete needs exactly one of ids, filter and delete_all: true")
    }
    const reply = yield* index.store.delete({ namespace, ...way })
    return written(matchedOf(reply), reply.lsn)
  })
)

const seen = ({ index, namespace, version }: Context, answer: object, units: number | undefined): Told<object> => {
  const told: Told<object & Read> = found(index, version, namespace, answer, units)
  const { readUnits, ...rest } = told.answer
  return { ...told, answer: { ...rest, namespace: calledBy(version, namespace), usage: { read_units: readUnits } } }
}

const paginationOf = (next: string | undefined) => (next === undefined ? {} : { pagination: { next } })

/** By `fromEntries`, which makes a field of any name, `__proto__` too. */
const onWire = (fields: DocumentFields) =>
  Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, valueOnWire(value)]))

const valueOnWire = (value: FieldValue) => {
  if (typeof value !== "object") return value
  if (value instanceof Float32Array) return shortValues(value)
  return "indices" in value ? { indices: Array.from(value.indices), values: shortValues(value.values) } : value
}
