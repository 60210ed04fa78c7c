/** Reading: every row has its answer in its place, with every type as it was written, and what is missing shows. */
import type { FeaturesBatchRequest } from "@effect-connectors/tecton/TectonApi"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import * as Timestamp from "@effect-connectors/tecton/Timestamp"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { asking, read, readOne, type Test, valuesOf, verdict, write } from "./bench.ts"
import { service } from "./definition.ts"

export const reads = (test: Test): void => {
  test("gives every type as it was written", ({ event, user }) =>
    Effect.gen(function* () {
      const seen_at = Option.getOrThrow(Timestamp.parse("2024-02-29T12:34:56.123456Z"))
      const written = {
        amount: 42,
        score: 2.5,
        good: false,
        seen_at,
        tags: ["a", null, ""],
        position: { lat: 1.5, lon: null },
        weights: { x: 0.25, "": 1 }
      }
      yield* write([event(written)])
      const vector = yield* readOne(user)
      assert.deepInclude(
        valuesOf(vector),
        Object.fromEntries(Object.entries(written).map(([name, value]) => [`conformance_latest.${name}`, value]))
      )
      assert.strictEqual(vector["conformance_request.factor"].value, 2)
      assert.strictEqual(vector["conformance_latest.amount"].status, "PRESENT")
    }))

  test("keeps null, an empty list and a struct of nulls apart", ({ event, user }) =>
    Effect.gen(function* () {
      const others = { tags: [], position: { lat: null, lon: null }, weights: {} }
      yield* write([event(others), event({ ...others, user_id: `${user}-null`, tags: null, position: null })])
      const [full, nulls] = yield* read([user, `${user}-null`])
      assert.deepStrictEqual(full?.["conformance_latest.tags"].value, [])
      assert.deepStrictEqual(full?.["conformance_latest.position"].value, { lat: null, lon: null })
      assert.deepStrictEqual(full?.["conformance_latest.weights"].value, {})
      assert.strictEqual(nulls?.["conformance_latest.tags"].value, null)
      assert.strictEqual(nulls?.["conformance_latest.position"].value, null)
    }))

  test("shows what is missing, also for a key that is null (a guess)", ({ user }) =>
    Effect.gen(function* () {
      for (const vector of yield* read([`${user}-nobody`, null])) {
        const { "conformance_request.factor": factor, ...stored } = vector
        assert.strictEqual(factor.value, 2)
        for (const [name, { status, value }] of Object.entries(stored)) {
          assert.deepStrictEqual({ name, status, value }, { name, status: "MISSING_DATA", value: null })
        }
      }
    }))

  for (const [rows, maxBatch] of [0, 1, 5, 6, 18].flatMap((rows) => [[rows, 1] as const, [rows, 5] as const])) {
    test(`${rows} rows by ${maxBatch}: each has its own answer, in order`, ({ client, event, user }) =>
      Effect.gen(function* () {
        const users = Array.from({ length: rows }, (_, n) => `${user}-${n}`)
        yield* write(users.map((user_id, amount) => event({ user_id, amount })))
        const calls: Array<number> = []
        const noting = {
          ...client,
          getFeatures: (request: Parameters<typeof client.getFeatures>[0]) =>
            Effect.suspend(() => (calls.push(1), client.getFeatures(request))),
          getFeaturesBatch: (request: FeaturesBatchRequest) =>
            Effect.suspend(() => (calls.push(request.lookups.length), client.getFeaturesBatch(request)))
        }
        const vectors = yield* Effect.provideService(read(users, { maxBatch }), TectonClient, noting)
        assert.deepStrictEqual(
          vectors.map((vector) => vector["conformance_latest.amount"].value),
          users.map((_, amount) => amount)
        )
        assert.lengthOf(calls, Math.ceil(rows / maxBatch))
        assert.strictEqual(
          calls.reduce((sum, count) => sum + count, 0),
          rows
        )
      }))
  }

  test("a row that is refused, here for want of a context field, fails alone (a guess)", ({ event, user }) =>
    Effect.gen(function* () {
      yield* write([event()])
      const rows = yield* Stream.make(user, "without context", user, `${user}-2`).pipe(
        TectonSource.featuresResults(service, {
          keys: (user_id) => ({ user_id }),
          requestContext: (name) => (name === "without context" ? {} : { factor: 3 }),
          retry: { maxAttempts: 1 }
        }),
        Stream.runCollect
      )
      assert.deepStrictEqual(
        rows.map(([element, result]) => [element, verdict(result)]),
        [
          [user, "found"],
          ["without context", "RequestRefused"],
          [user, "found"],
          [`${user}-2`, "found"]
        ]
      )
    }))

  test("a service that is not there fails the stream", () =>
    Effect.gen(function* () {
      const error = yield* Stream.make("a").pipe(
        TectonSource.features({ ...service, name: "conformance_not_there" }, asking),
        Stream.runDrain,
        Effect.flip
      )
      assert.strictEqual(error.reason._tag, "NotFound")
      assert.include(error.message, "conformance_not_there")
    }))
}
