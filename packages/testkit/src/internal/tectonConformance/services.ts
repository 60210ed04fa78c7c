/** Feature services: what Tecton says of them, declared ones compared with it, and those known at run time only. */
import * as FeatureService from "@effect-connectors/tecton/FeatureService"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { asking, readOne, type Test, valuesOf, write } from "./bench.ts"
import { cards, service } from "./definition.ts"

/** The features in the order that Tecton documents: those of realtime views first, then by view and by feature. */
const inOrder = [
  "conformance_request.factor",
  ...["amount", "good", "position", "score", "seen_at", "tags", "weights"].map((name) => `conformance_latest.${name}`),
  ...["count_1h", "last_1h", "max_1h", "mean_1h", "sum_1h"].map((name) => `conformance_sums.${name}`)
]

export const services = (test: Test): void => {
  test("metadata name keys, context and features, in the order of vectors", ({ client }) =>
    Effect.gen(function* () {
      const metadata = yield* client.metadata({ service: service.name })
      assert.strictEqual(metadata.type, "DEFAULT")
      assert.deepStrictEqual(metadata.joinKeys, [{ name: "user_id", dataType: { type: "string" } }])
      assert.deepStrictEqual(metadata.requestContext, [{ name: "factor", dataType: { type: "float64" } }])
      assert.deepStrictEqual(
        metadata.features.map(({ name }) => name),
        inOrder
      )
    }))

  test("a service that is as declared passes, with nothing left out", () =>
    FeatureService.check(service, { added: "refuse" }))

  test("every difference is reported at once", () =>
    Effect.gen(function* () {
      const declared = FeatureService.make("conformance", {
        joinKeys: { user_id: Schema.BigInt },
        requestContext: { factor: Schema.Number },
        features: {
          "conformance_latest.amount": Schema.String,
          "conformance_latest.points": Schema.Number,
          "conformance_gone.x": Schema.Boolean
        }
      })
      const error = yield* Effect.flip(FeatureService.check(declared))
      assert(error.reason._tag === "SchemaDrift")
      const kinds = error.reason.drifts.map(({ kind, name, part }) => `${part} ${name}: ${kind}`)
      assert.includeMembers(kinds, [
        "join key user_id: retyped",
        "feature conformance_latest.amount: retyped",
        "feature conformance_latest.points: renamed",
        "feature conformance_gone.x: missing",
        "feature conformance_sums.count_1h: added"
      ])
    }))

  for (const names of [true, false]) {
    test(`a service that is bound reads the same, ${names ? "with names" : "by position"}`, ({ event, user }) =>
      Effect.gen(function* () {
        yield* write([event({ amount: 5, tags: ["x"], position: { lat: 1, lon: 2 } })])
        const bound = yield* FeatureService.bind(service, { names })
        const [row] = yield* Stream.make(user).pipe(
          TectonSource.features(bound, { ...asking, statuses: names, effectiveTimes: names }),
          Stream.runCollect
        )
        assert.deepStrictEqual(valuesOf(row![1]), valuesOf(yield* readOne(user)))
      }))
  }

  test("a service that is discovered gives every feature there is", ({ event, user }) =>
    Effect.gen(function* () {
      yield* write([event({ amount: 5 })])
      const discovered = yield* FeatureService.discover("conformance")
      const [row] = yield* Stream.make(user).pipe(
        TectonSource.features(discovered, {
          keys: (user_id) => ({ user_id }),
          requestContext: () => ({ factor: 2 })
        }),
        Stream.runCollect
      )
      assert.deepStrictEqual(Object.keys(row![1]), inOrder)
      assert.strictEqual(row![1]["conformance_latest.amount"]?.value, 5n)
    }))

  test("a wildcard service gives a row for each key that agrees", ({ client, event, user }) =>
    Effect.gen(function* () {
      const metadata = yield* client.metadata({ service: cards.name })
      assert.strictEqual(metadata.type, "WILDCARD")
      assert.deepStrictEqual(metadata.outputJoinKeys, [{ name: "card", dataType: { type: "int64" } }])
      yield* write([3, 1, 2].map((card) => event({ card, amount: card * 10 })))
      const [row] = yield* Stream.make(user).pipe(
        TectonSource.query(cards, { keys: (user_id) => ({ user_id }) }),
        Stream.runCollect
      )
      const found = row![1].map(({ joinKeys, vector }) => [joinKeys["card"], vector["conformance_cards.amount"].value])
      assert.sameDeepMembers(found, [
        [1n, 10],
        [2n, 20],
        [3n, 30]
      ])
    }))
}
