/** Writes of every kind through one engine, which keeps their order: batches are of one kind, identities of all. */
import { InvalidRecord } from "@effect-connectors/core/ConnectorError"
import type * as Write from "@effect-connectors/core/Write"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { Operation } from "../Operation.ts"
import type { SizedRecord, UpdateRequest } from "../PineconeApi.ts"
import type { PineconeError } from "../PineconeError.ts"
import { namespaceOf } from "./common.ts"
import * as destinations from "./destinations.ts"
import { type Prepared, refuse } from "./prepare.ts"
import type { Check } from "./recordChecks.ts"

/** One operation as it is sent. */
type Item =
  | { readonly _tag: "Upsert"; readonly record: SizedRecord }
  | { readonly _tag: "Update"; readonly change: UpdateRequest }
  | { readonly _tag: "Delete"; readonly id: string }

type Kind = Item["_tag"]

/** A batch is of one kind of call and of one namespace. */
const keyOf = (kind: Kind, namespace: string): string => `${kind}:${namespace}`
const namespaceIn = (key: string): string => key.slice(key.indexOf(":") + 1)
const isOf = (kind: Kind, key: string): boolean => key.startsWith(`${kind}:`)

/** The namespace is not there: an upsert that makes it may come later. */
const isNamespace = ({ reason }: PineconeError): boolean =>
  reason._tag === "NotFound" && reason.resource === "namespace"

/** An element with what it asks for, and its place in its chunk. */
interface Asked<A> {
  readonly input: A
  readonly at: number
  /** The record, change or id. */
  readonly subject: unknown
}

const subjectOf = (operation: unknown): readonly [kind: Kind, subject: unknown] | undefined => {
  if (!Predicate.isObject(operation)) return undefined
  switch (operation["_tag"]) {
    case "Upsert":
      return ["Upsert", operation["record"]]
    case "Update":
      return ["Update", operation["change"]]
    case "Delete":
      return ["Delete", operation["id"]]
    default:
      return undefined
  }
}

const noOperation = new InvalidRecord({
  field: "operation",
  issue: "is none; make one with Operation.upsert, Operation.update or Operation.delete"
})

export interface Options<A> extends Write.Options {
  readonly namespace?: string | ((element: A) => string) | undefined
  readonly operation?: ((element: A) => Operation<unknown>) | undefined
}

export const operations = <A>(
  options: Options<A>,
  checks: { readonly record: Check; readonly change: Check }
): ReturnType<typeof destinations.write<A, Item>> =>
  destinations.write<A, Item>(
    "operations",
    options,
    (index) => {
      const own = namespaceOf(index, options.namespace)
      const namespace = ({ input }: Asked<A>): string => own(input)
      const subject = ({ subject }: Asked<A>): unknown => subject
      const upserts = destinations.upsertCalls(index, { namespace, record: subject }, checks.record)
      const updates = destinations.updateCalls(index, { namespace, update: subject }, checks.change)
      const deletes = destinations.deleteCalls(index, { namespace, id: subject })

      const maxUpserts = Math.min(options.maxRecords ?? 100, index.limits.maxRecords)
      const maxDeletes = Math.min(options.maxRecords ?? Infinity, destinations.maxDeleteIds)

      return {
        limits: {
          maxRecords: (key) => (isOf("Update", key) ? 1 : isOf("Delete", key) ? maxDeletes : maxUpserts),
          maxBytes: index.limits.maxBytes,
          envelopeBytes: (key) => (isOf("Update", key) ? 0 : index.limits.envelopeBytes(namespaceIn(key)))
        },
        scope: namespaceIn,
        // Each kind has a rate of its own.
        operation: (key) => key.slice(0, key.indexOf(":")).toLowerCase(),
        prepare: (elements) => {
          const asked: Record<Kind, Array<Asked<A>>> = { Upsert: [], Update: [], Delete: [] }
          elements.forEach((input, at) => {
            const found = subjectOf(options.operation === undefined ? input : options.operation(input))
            if (found !== undefined) asked[found[0]].push({ input, at, subject: found[1] })
          })
          const prepared = new Map<number, Prepared<A, Item>>()
          const prepare = <I>(kind: Kind, calls: destinations.Calls<Asked<A>, I>, toItem: (item: I) => Item) => {
            const all = asked[kind]
            if (!Arr.isReadonlyArrayNonEmpty(all)) return
            for (const result of calls.prepare(all)) {
              const { at, input } = result.input
              prepared.set(
                at,
                result._tag === "Ready"
                  ? { ...result, input, key: keyOf(kind, result.key), item: toItem(result.item) }
                  : { ...result, input }
              )
            }
          }
          prepare("Upsert", upserts, (record) => ({ _tag: "Upsert", record }))
          prepare("Update", updates, (change) => ({ _tag: "Update", change }))
          prepare("Delete", deletes, (id) => ({ _tag: "Delete", id }))
          return Arr.map(
            elements,
            (input, at) => prepared.get(at) ?? refuse("operations", input, own(input), noOperation)
          )
        },
        send: (key, items) => {
          const namespace = namespaceIn(key)
          const records = items.flatMap((item) => (item._tag === "Upsert" ? [item.record] : []))
          if (Arr.isReadonlyArrayNonEmpty(records)) return upserts.send(namespace, records)
          const ids = items.flatMap((item) => (item._tag === "Delete" ? [item.id] : []))
          if (Arr.isReadonlyArrayNonEmpty(ids))
            return Effect.catchIf(deletes.send(namespace, ids), isNamespace, () => Effect.void)
          return Effect.forEach(
            items.flatMap((item) => (item._tag === "Update" ? [item.change] : [])),
            (change) => updates.send(namespace, [change])
          )
        }
      }
    },
    // Each kind has a limit of its own.
    { ...options, maxRecords: Number.MAX_SAFE_INTEGER }
  )
