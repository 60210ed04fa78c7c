/** What is plugged into the write engine to write documents. */
import type * as Write from "@effect-connectors/core/Write"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type { Fields } from "../DocumentIndex.ts"
import type { Document, DocumentChange, Service, SizedDocument } from "../DocumentsApi.ts"
import { PineconeDocumentIndex } from "../PineconeDocumentIndex.ts"
import { namespaceOf } from "./common.ts"
import { checkCount, deleteCalls, type Destination, maxDeleteIds, naming, writeTo } from "./destinations.ts"
import { changeCheck, documentCheck } from "./documentChecks.ts"
import { serviceFor } from "./documentReads.ts"
import { prepareBy } from "./prepare.ts"

interface Options<A> extends Write.Options {
  readonly namespace?: string | ((element: A) => string) | undefined
}

type Calls<A, I> = Omit<Destination<A, I>, "target" | "tooLarge">

const itself = (element: unknown): unknown => element
const idOf = ({ _id }: Document): string => _id

export const upsert = <A>(
  fields: Fields | undefined,
  options: Options<A> & { readonly document?: ((element: A) => unknown) | undefined }
) =>
  writeTo(serviceFor("upsert", fields, undefined))<A, SizedDocument>(
    "upsert",
    options,
    (index): Calls<A, SizedDocument> => ({
      limits: index.limits,
      prepare: prepareBy(
        "upsert",
        namespaceOf(index, options.namespace),
        options.document ?? itself,
        documentCheck(fields, index.textLimits),
        (document) => {
          const item = index.encode(document)
          return { item, bytes: item.bytes }
        },
        idOf
      ),
      send: (namespace, documents) => {
        const ids = documents.map(({ document }) => document._id)
        const call = Effect.flatMap(index.upsert({ namespace, documents }), (reply) =>
          checkCount(namespace, ids, reply)
        )
        return documents.length === 1 ? Effect.mapError(call, naming(documents[0].document._id)) : call
      }
    })
  )

/** A change as it was given and as it is sent. */
interface Item {
  readonly change: DocumentChange
  readonly sized: SizedDocument
}

/** One change that does what two do, one after the other. */
const mergeTwo = (first: DocumentChange, second: DocumentChange): DocumentChange => {
  const { _remove_fields: removedLater = [], ...later } = second
  const { _remove_fields: removedBefore = [], ...before } = first
  const kept = Object.entries(before).filter(([name]) => !removedLater.includes(name))
  const removed = Arr.dedupe([...removedBefore.filter((name) => !Object.hasOwn(later, name)), ...removedLater])
  const merged = { ...Object.fromEntries(kept), ...later, _id: second._id }
  return removed.length === 0 ? merged : { ...merged, _remove_fields: removed }
}

/** The changes of one call, one for each id: what two changes of one do in one call, the service does not say. */
const merge = (items: Arr.NonEmptyReadonlyArray<Item>, encode: Service["encode"]) => {
  const byId = new Map<string, { change: DocumentChange; sized: SizedDocument | undefined }>()
  for (const { change, sized } of items) {
    const before = byId.get(change._id)
    byId.set(
      change._id,
      before === undefined ? { change, sized } : { change: mergeTwo(before.change, change), sized: undefined }
    )
  }
  return Array.from(byId.values(), ({ change, sized }) => sized ?? encode(change))
}

export const update = <A>(
  fields: Fields | undefined,
  options: Options<A> & { readonly change?: ((element: A) => unknown) | undefined }
) =>
  writeTo(serviceFor("update", fields, undefined))<A, Item>(
    "update",
    options,
    (index): Calls<A, Item> => ({
      limits: index.limits,
      prepare: prepareBy(
        "update",
        namespaceOf(index, options.namespace),
        options.change ?? itself,
        changeCheck(fields, index.textLimits),
        (change) => {
          const sized = index.encode(change)
          return { item: { change, sized }, bytes: sized.bytes }
        },
        idOf
      ),
      send: (namespace, items) => {
        const documents = merge(items, index.encode)
        if (!Arr.isReadonlyArrayNonEmpty(documents)) return Effect.void
        const call = index.update({ namespace, documents })
        return items.length === 1 ? Effect.mapError(call, naming(items[0].change._id)) : call
      }
    }),
    // The last change of an id does not stand for those before it.
    { ...options, duplicates: "sendAll" }
  )

export const remove = <A>(options: Options<A> & { readonly id?: ((element: A) => unknown) | undefined }) =>
  writeTo(PineconeDocumentIndex)<A, string>(
    "delete",
    { ...options, maxRecords: options.maxRecords ?? maxDeleteIds },
    (index): Calls<A, string> => ({
      limits: { ...index.limits, maxRecords: maxDeleteIds },
      ...deleteCalls(index, {
        namespace: namespaceOf(index, options.namespace),
        id: options.id ?? itself
      })
    })
  )
