import type { ConnectorError } from "@effect-connectors/core"
import type { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex, type Service } from "@effect-connectors/pinecone/PineconeIndex"
import { PineconeMemory } from "@effect-connectors/testkit"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"

/** Runs `body` on an empty index of its own. */
export const withIndex = <A, E>(
  options: PineconeMemory.Options,
  body: (index: Service) => Effect.Effect<A, E>
): Effect.Effect<A, E> => Effect.flatMap(PineconeIndex, body).pipe(Effect.provide(PineconeMemory.layerWith(options)))

/** The reason a call fails with; the call must fail. */
export const reasonOf = <A>(call: Effect.Effect<A, PineconeError>): Effect.Effect<ConnectorError.Reason, A> =>
  Effect.map(Effect.flip(call), (error) => error.reason)

/** Asserts that a call is refused as a bad request (HTTP 400, gRPC 3) whose text contains `text`. */
export const isRefused = <A>(call: Effect.Effect<A, PineconeError>, text: string) =>
  Effect.map(reasonOf(call), (reason) => {
    assert.strictEqual(reason._tag, "RequestRefused")
    assert.include(reason.message, text)
    assert.deepInclude(reason, { wire: { status: 400, grpcCode: 3 } })
  })

/** Ids and scores of a query, scores rounded to six digits. */
export const ranking = (matches: ReadonlyArray<{ readonly id: string; readonly score: number }>) =>
  matches.map(({ id, score }) => [id, Number(score.toPrecision(6))])
