import { CircuitOpen } from "@effect-connectors/core/ConnectorError"
import * as Outcome from "@effect-connectors/core/Outcome"
import type * as Pacing from "@effect-connectors/core/Pacing"
import * as TectonSink from "@effect-connectors/tecton/TectonSink"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { answerUsers, atScript, atServer, byId, collect, ids, users } from "./support/index.ts"

describe("each call of a step is paced", () => {
  it.live("under its own operation and with what it holds, as the option of the layer says", () => {
    const calls: Array<string> = []
    const pacing: Pacing.Pacing = {
      paced: ({ operation, records }, attempt) =>
        Effect.suspend(() => {
          calls.push(`${operation} ${records}`)
          return attempt
        })
    }
    return Effect.gen(function* () {
      yield* atServer(
        answerUsers,
        () => collect(ids(6), TectonSource.features(users, { ...byId, maxBatch: 5, linger: 0, concurrency: 5 })),
        { pacing }
      )
      assert.deepStrictEqual(calls.splice(0), ["features 5", "features 1"])

      yield* atScript(
        [{ status: 503 }, { body: {} }],
        () =>
          Stream.make({ user_id: "u1" }).pipe(
            TectonSink.ingest({ source: "clicks", joinKeys: ["user_id"], retry: { base: "1 millis" } }),
            Stream.runDrain
          ),
        { pacing }
      )
      assert.deepStrictEqual(calls, ["ingest 1", "ingest 1"])
    })
  })

  it.live("and a service that stays down ends the stream", () => {
    const pacing: Pacing.Pacing = {
      paced: (_, __, { gaveUp }) =>
        Effect.fail(gaveUp(new CircuitOpen({ service: "tecton", downMillis: 90_000, detail: "no answer" })))
    }
    return atServer(
      answerUsers,
      (server) =>
        Effect.gen(function* () {
          const outcomes: Array<string> = []
          const error = yield* Stream.make({ user_id: "u1" }).pipe(
            TectonSink.ingestOutcomes({ source: "clicks", joinKeys: ["user_id"] }),
            Stream.runForEach((outcome) =>
              Effect.sync(() => outcomes.push(`${outcome._tag} ${Outcome.isWritten(outcome) ? "" : outcome.attempts}`))
            ),
            Effect.flip
          )
          assert.strictEqual(error.reason._tag, "CircuitOpen")
          assert.deepStrictEqual(outcomes, ["Rejected 0"])
          assert.lengthOf(server.received, 0)
        }),
      { pacing }
    )
  })
})
