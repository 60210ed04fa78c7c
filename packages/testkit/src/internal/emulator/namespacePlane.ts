/** The routes of namespaces. Counts are text, because they are 64 bit. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { NamespaceInfo } from "../vectorStore.ts"
import { asked, calledBy, type Handler, namespaceOf, pageOf, pagination, reads, refuse } from "./dataPlane.ts"
import { json } from "./reply.ts"
import { type Incoming, optional } from "./wire.ts"

const toWire = (incoming: Incoming, { name, records, schema }: NamespaceInfo) => ({
  name: calledBy(incoming, name),
  record_count: String(records),
  ...(schema && { schema, indexed_fields: { fields: Object.keys(schema.fields) } })
})

export const listNamespaces: Handler = (index, incoming) =>
  Result.gen(function* () {
    const { namespaces, next } = yield* asked(index.store.namespaces(pageOf(incoming)))
    const infos = yield* asked(Result.all(namespaces.map(({ name }) => index.store.describeNamespace(name))))
    return json(200, {
      namespaces: infos.map((info) => toWire(incoming, info)),
      ...pagination(next),
      total_count: index.store.countNamespaces(incoming.query.get("prefix") ?? "")
    })
  })

const readCreate = reads(
  Schema.Struct({
    name: optional(Schema.String),
    schema: optional(
      Schema.Struct({ fields: Schema.Record(Schema.String, Schema.Struct({ filterable: Schema.Boolean })) })
    )
  })
)

export const createNamespace: Handler = (index, incoming) =>
  Result.gen(function* () {
    const { name, schema } = yield* readCreate(incoming)
    if (!name) return yield* Result.fail(refuse("A namespace needs a name"))
    const namespace = yield* namespaceOf(incoming, name)
    const info = yield* asked(index.store.createNamespace({ name: namespace, schema: schema ?? undefined }))
    return json(200, toWire(incoming, info))
  })

export const describeNamespace: Handler = (index, incoming) =>
  Result.gen(function* () {
    const info = yield* asked(index.store.describeNamespace(yield* namespaceOf(incoming, incoming.name)))
    return json(200, toWire(incoming, info))
  })

export const deleteNamespace: Handler = (index, incoming) =>
  Result.gen(function* () {
    yield* asked(index.store.deleteNamespace(yield* namespaceOf(incoming, incoming.name)))
    return json(200, {})
  })
