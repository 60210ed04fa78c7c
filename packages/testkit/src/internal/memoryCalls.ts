/** The calls of a store in memory as effects: each at the time of the program's clock, each failure a `PineconeError`. */
import type { InvalidRecord } from "@effect-connectors/core/ConnectorError"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import type { NamespacesRequest } from "@effect-connectors/pinecone/PineconeIndex"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type NamespaceCalls, namespaceName } from "./namespaceCalls.ts"
import type { Refusal } from "./refusals.ts"

interface InNamespace {
  readonly namespace?: string | undefined
}

type Answer<A> = Result.Result<A, Refusal | InvalidRecord>

/** `namespace` is that of calls that name none. */
export const make = (namespace: string | undefined) => {
  const own = namespaceName(namespace)
  /** The time of the call that is answered. */
  let time = 0

  const atTime = <A, E>(answer: () => Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      time = now
      return answer()
    })

  const call =
    <Request extends InNamespace, A>(operation: string, answer: (request: Request) => Answer<A>) =>
    (request: Request): Effect.Effect<A, PineconeError> =>
      // A call to a service gives other fibers a turn; without that a program of many calls could not be interrupted.
      Effect.andThen(
        Effect.yieldNow,
        atTime(() => {
          const namespace = request.namespace ?? own
          return answered(operation, namespace, answer({ ...request, namespace }))
        })
      )

  /** Reads of a store, each of which tells which writes it saw. */
  const reads =
    (store: NamespaceCalls) =>
    <Request extends InNamespace, A extends object>(operation: string, answer: (request: Request) => Answer<A>) =>
      call(operation, (request: Request) =>
        Result.map(answer(request), (reply) => ({ ...reply, indexedLsn: store.indexedLsn(request.namespace ?? own) }))
      )

  const namespaces = (store: NamespaceCalls) => ({
    namespaces: (request: NamespacesRequest) =>
      atTime(() => answered("namespaces", undefined, store.namespaces(request))),
    deleteNamespace: (name: string) => atTime(() => answered("deleteNamespace", name, store.deleteNamespace(name)))
  })

  return { own, now: () => time, atTime, call, reads, namespaces }
}

const answered = <A>(
  operation: string,
  namespace: string | undefined,
  answer: Answer<A>
): Effect.Effect<A, PineconeError> =>
  Effect.mapError(
    Effect.fromResult(answer),
    (reason) => new PineconeError({ operation, reason, ...(namespace === undefined ? {} : { namespace }) })
  )
