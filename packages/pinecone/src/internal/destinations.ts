import {
  clip,
  InvalidRecord,
  InvalidResponse,
  RecordTooLarge,
  RequestRefused,
  RequestTooLarge
} from "@effect-connectors/core/ConnectorError"
import type * as Outcome from "@effect-connectors/core/Outcome"
import * as Write from "@effect-connectors/core/Write"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Service, SizedRecord, UpdateRequest, WriteReply } from "../PineconeApi.ts"
import type { PineconeError } from "../PineconeError.ts"
import { PineconeIndex } from "../PineconeIndex.ts"
import type { VectorRecord } from "../VectorRecord.ts"
import { checkDuration, checkRange, failure, namespaceOf, pacedBy, targetOf } from "./common.ts"
import { type Prepared, prepareBy, refuse } from "./prepare.ts"
import { type Check, placeOf } from "./recordChecks.ts"

interface Options<A> extends Write.Options {
  readonly namespace?: string | ((element: A) => string) | undefined
}

export type Destination<A, I> = Write.Destination<A, I, PineconeError>

/** Makes elements ready and sends them, one kind of call. */
export type Calls<A, I> = Pick<Destination<A, I>, "prepare" | "send">

/** The service seldom says which record it refuses; a call that held this one only was about it. */
export const naming =
  (id: string) =>
  (error: PineconeError): PineconeError => {
    const { namespace, operation, reason } = error
    if (reason._tag !== "RequestRefused" && reason._tag !== "RequestTooLarge") return error
    const named = {
      detail: `record ${JSON.stringify(clip(id, 64))}: ${reason.detail}`,
      ...(reason.wire === undefined ? {} : { wire: reason.wire })
    }
    return failure(
      operation,
      namespace,
      reason._tag === "RequestRefused" ? new RequestRefused(named) : new RequestTooLarge(named)
    )
  }

/** A write step to the index of a service; its options are checked, and `engine` is what the engine is given of them. */
export const writeTo =
  <Id, S extends Pick<Service, "name" | "pacing">>(service: Effect.Effect<S, PineconeError, Id>) =>
  <A, I>(
    operation: string,
    options: Write.Options,
    destination: (index: S) => Omit<Destination<A, I>, "target" | "tooLarge">,
    engine: Write.Options = options
  ) =>
  <E, R>(self: Stream.Stream<A, E, R>): Stream.Stream<Outcome.Outcome<A, PineconeError>, E | PineconeError, R | Id> =>
    Stream.unwrap(
      Effect.gen(function* () {
        yield* checkRange(operation, "maxRecords", options.maxRecords)
        yield* checkRange(operation, "maxBytes", options.maxBytes)
        yield* checkRange(operation, "maxOpenBytes", options.maxOpenBytes)
        yield* checkRange(operation, "concurrency", options.concurrency)
        yield* checkDuration(operation, "linger", options.linger)
        const index = yield* service
        const partial = destination(index)
        const full: Destination<A, I> = {
          ...partial,
          target: targetOf(index, operation),
          paced: pacedBy(index, operation),
          tooLarge: (ready, maxBytes) =>
            failure(
              operation,
              partial.scope?.(ready.key) ?? ready.key,
              new RecordTooLarge({ ...(ready.id === undefined ? {} : { id: ready.id }), bytes: ready.bytes, maxBytes })
            )
        }
        return Write.outcomes(full, engine)(self)
      })
    )

/** A write step to a vector index. */
export const write = writeTo(PineconeIndex)

const wrongDimension = (index: Service, record: VectorRecord): InvalidRecord | undefined => {
  const length = record.values?.length ?? 0
  return index.dimension === undefined || length === 0 || length === index.dimension
    ? undefined
    : new InvalidRecord({
        id: record.id,
        field: "values",
        issue: `has ${length} numbers and the index has dimension ${index.dimension}; use the model the index was made for`
      })
}

const itself = (element: unknown): unknown => element
const idOf = ({ id }: VectorRecord): string => id

/** Fails when the service counts fewer records than it was sent, ids sent twice aside. It does not say which it took. */
export const checkCount = (
  namespace: string,
  ids: ReadonlyArray<string>,
  { count }: WriteReply
): Effect.Effect<void, PineconeError> => {
  if (count === undefined || count >= ids.length) return Effect.void
  const sent = new Set(ids).size
  const detail = `the service counted ${count} of ${sent} records`
  return count >= sent ? Effect.void : Effect.fail(failure("upsert", namespace, new InvalidResponse({ detail })))
}

/** Upserts of records that are made of elements. */
export const upsertCalls = <A>(
  index: Service,
  options: { readonly namespace: (element: A) => string; readonly record: (element: A) => unknown },
  check: Check
): Calls<A, SizedRecord> => ({
  prepare: prepareBy(
    "upsert",
    options.namespace,
    options.record,
    check,
    (record) => {
      const wrong = wrongDimension(index, record)
      if (wrong !== undefined) return wrong
      const item = index.encode(record)
      return { item, bytes: item.bytes }
    },
    idOf
  ),
  send: (namespace, records) => {
    const call = Effect.flatMap(index.upsert({ namespace, records }), (reply) =>
      checkCount(
        namespace,
        records.map(({ id }) => id),
        reply
      )
    )
    return records.length === 1 ? Effect.mapError(call, naming(records[0].id)) : call
  }
})

export const upsert = <A>(
  options: Options<A> & { readonly record?: ((element: A) => unknown) | undefined },
  check: Check
) =>
  write<A, SizedRecord>("upsert", options, (index) => ({
    limits: index.limits,
    ...upsertCalls(index, { namespace: namespaceOf(index, options.namespace), record: options.record ?? itself }, check)
  }))

/** Changes, one record a call, of elements that they are made of. */
export const updateCalls = <A>(
  index: Service,
  options: { readonly namespace: (element: A) => string; readonly update: (element: A) => unknown },
  check: Check
): Calls<A, UpdateRequest> => ({
  prepare: prepareBy(
    "update",
    options.namespace,
    options.update,
    check,
    (change) => wrongDimension(index, change) ?? { item: change, bytes: 0 },
    idOf
  ),
  send: (namespace, [change]) => Effect.mapError(index.update({ ...change, namespace }), naming(change.id))
})

/** One call changes one record. */
const single = { maxRecords: 1, maxBytes: Infinity, envelopeBytes: () => 0 }

export const update = <A>(
  options: Options<A> & { readonly update?: ((element: A) => unknown) | undefined },
  check: Check
) =>
  write<A, UpdateRequest>("update", options, (index) => ({
    limits: single,
    ...updateCalls(index, { namespace: namespaceOf(index, options.namespace), update: options.update ?? itself }, check)
  }))

/** Ids in one delete: Pinecone's limit. */
export const maxDeleteIds = 1000

/** Deletes by id, of elements that have one. */
export const deleteCalls = <A>(
  index: Pick<Service, "delete">,
  options: { readonly namespace: (element: A) => string; readonly id: (element: A) => unknown }
): Calls<A, string> => ({
  prepare: Arr.map((input): Prepared<A, string> => {
    const key = options.namespace(input)
    return Result.match(placeOf(key, options.id(input)), {
      onFailure: (wrong): Prepared<A, string> => refuse("delete", input, key, wrong),
      onSuccess: ({ id }) => ({ _tag: "Ready", input, key, id, item: id, bytes: 6 * id.length + 3 })
    })
  }),
  send: (namespace, ids) => {
    const call = index.delete({ namespace, ids })
    return ids.length === 1 ? Effect.mapError(call, naming(ids[0])) : call
  }
})

export const remove = <A>(options: Options<A> & { readonly id?: ((element: A) => string) | undefined }) =>
  write<A, string>("delete", { ...options, maxRecords: options.maxRecords ?? maxDeleteIds }, (index) => ({
    limits: {
      maxRecords: maxDeleteIds,
      maxBytes: index.limits.maxBytes,
      envelopeBytes: index.limits.envelopeBytes
    },
    ...deleteCalls(index, { namespace: namespaceOf(index, options.namespace), id: options.id ?? itself })
  }))
