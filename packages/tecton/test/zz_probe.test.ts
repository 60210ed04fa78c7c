import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Exit from "effect/Exit"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Redacted from "effect/Redacted"
import * as Token from "../src/internal/token.ts"
import { resolve } from "../src/internal/settings.ts"
import * as Replies from "../src/internal/replies.ts"
import * as FV from "@effect-connectors/tecton/FeatureValue"
import * as FeatureService from "@effect-connectors/tecton/FeatureService"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import { atServer, vector, column, collect, byId } from "./support/index.ts"

describe("probe", () => {
  it.effect("urls", () => Effect.gen(function* () {
    for (const url of ["http://api", "http://ingest", "https://a.b/api", "https://a.b/api/", "https://a.b/ingest", "http://api:8080", "https://a.b/apis", "https://a.b/API/v1"]) {
      const r = yield* Effect.result(resolve({ url, workspace: "w", apiKey: Redacted.make("k") }))
      console.log(url, r._tag, Result.isFailure(r) ? r.failure.message : "")
    }
  }))
  it("tags", () => {
    for (const tags of [["a"], "x", 1]) console.log(JSON.stringify(Replies.features(JSON.stringify({ result: { features: [1] }, metadata: { features: [{ name: "a", dataType: { type: "int64" }, tags }] } })), (_k, v) => typeof v === "bigint" ? String(v) : v))
    for (const partialResults of ["yes", 1]) console.log(JSON.stringify(Replies.features(JSON.stringify({ result: { features: [1] }, metadata: { features: [], partialResults } }))))
  })
  it.effect("interrupt at every op", () => Effect.gen(function* () {
    const bad: number[] = []
    for (let k = 0; k < 2200; k++) {
      const scope = yield* Scope.make()
      const tokens = yield* Token.make({ clientId: "c", clientSecret: Redacted.make("secretsecret"), url: "https://a.b" }, { timeout: Duration.seconds(5), workspace: "w" },
        () => Effect.succeed({ status: 200, headers: {}, body: JSON.stringify({ access_token: "tok" }) })).pipe(Effect.provideService(Scope.Scope, scope))
      const fiber = yield* Effect.forkChild(Effect.andThen(Effect.gen(function* () { for (let i = 0; i < k; i++) yield* Effect.suspend(() => Effect.void) }), tokens.get))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      const next = yield* Effect.forkChild(tokens.get)
      for (let i = 0; i < 20; i++) yield* Effect.yieldNow
      if (next.pollUnsafe() === undefined) bad.push(k)
      yield* Fiber.interrupt(next)
      yield* Scope.close(scope, Exit.void)
    }
    console.log("stuck at", bad)
  }))
  it.effect("after close", () => Effect.gen(function* () {
      const scope = yield* Scope.make()
      const tokens = yield* Token.make({ clientId: "c", clientSecret: Redacted.make("secretsecret"), url: "https://a.b" }, { timeout: Duration.seconds(5), workspace: "w" },
        () => Effect.succeed({ status: 200, headers: {}, body: JSON.stringify({ access_token: "tok" }) })).pipe(Effect.provideService(Scope.Scope, scope))
      yield* Scope.close(scope, Exit.void)
      const next = yield* Effect.forkChild(tokens.get)
      for (let i = 0; i < 20; i++) yield* Effect.yieldNow
      console.log("after close", next.pollUnsafe())
      yield* Fiber.interrupt(next)
  }))
  it.live.skip("messages", () => Effect.gen(function* () {
    const rows: any[] = [
      [{ type: "string" }, "b", Schema.Literals(["a", "c"])],
      [{ type: "int64" }, "5", Schema.Number],
      [{ type: "int64" }, "5", Schema.OptionFromNullOr(Schema.String)],
      [{ type: "array", elementType: { type: "float64" } }, [1, null], FV.Floats],
      [{ type: "array", elementType: { type: "string" } }, ["1"], FV.Floats],
      [{ type: "array", elementType: { type: "float64" } }, [1, null], Schema.Array(Schema.Number)],
      [{ type: "struct", fields: [{ name: "a", dataType: { type: "int64" } }] }, ["1"], Schema.Struct({ a: Schema.BigInt, b: Schema.String })],
      [{ type: "struct", fields: [{ name: "a", dataType: { type: "int64" } }] }, [null], Schema.Struct({ a: Schema.BigInt })],
      [{ type: "string" }, "", Schema.NonEmptyString],
      [{ type: "string" }, "x", Schema.NullOr(Schema.NumberFromString)],
    ]
    for (const [type, value, schema] of rows) {
      const service = FeatureService.make("s", { joinKeys: { user_id: Schema.String }, features: { "v.a": schema } })
      const e = yield* atServer(() => vector([column("v.a", type)], [value]), () => Effect.flip(collect(["u"], TectonSource.features(service as any, { ...byId, maxBatch: 1 } as any)) as any)) as any
      console.log(e.reason?._tag, e.message)
    }
  }) as any)
})
