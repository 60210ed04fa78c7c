import { FaultPlan, PineconeEmulator } from "@effect-connectors/testkit"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { raw } from "./emulatorRaw.ts"
import { json } from "./rawHttp.ts"

const get = (url: string) => Effect.promise(() => fetch(`${url}/indexes`, { headers: { "api-key": "k" } }))

const failureOf = (answer: Promise<unknown>) =>
  Effect.promise(() =>
    answer.then(
      () => undefined,
      (error: unknown) => error
    )
  )

describe("PineconeEmulator", () => {
  it.effect("is a layer", () =>
    Effect.gen(function* () {
      const { createIndex, url } = yield* PineconeEmulator
      assert.strictEqual((yield* get(url)).status, 200)
      const { host } = yield* createIndex({ name: "a", dimension: 3 })
      assert.match(host, /^http:\/\/127\.0\.0\.1:\d+$/)
      assert.notStrictEqual(host, url)
      const again = yield* Effect.flip(createIndex({ name: "a", vectorType: "sparse" }))
      assert.strictEqual(again.operation, "createIndex")
      assert.deepInclude(again.reason, { _tag: "RequestRefused", detail: "Resource already exists." })
      const bad = yield* Effect.flip(createIndex({ name: "b", dimension: 0 }))
      assert.include(bad.message, "Dimension must be a whole number from 1 to 20000, got 0")
    }).pipe(Effect.provide(PineconeEmulator.layer))
  )

  it.effect("listens on 127.0.0.1, each on a port of its own, and says when one is taken", () =>
    Effect.gen(function* () {
      const one = yield* PineconeEmulator.make()
      const two = yield* PineconeEmulator.make()
      assert.match(one.url, /^http:\/\/127\.0\.0\.1:\d+$/)
      assert.notStrictEqual(one.url, two.url)
      const port = Number(new URL(one.url).port)
      const { reason } = yield* Effect.flip(PineconeEmulator.make({ port }))
      assert.deepInclude(reason, { _tag: "InvalidOption", option: "port" })
    })
  )

  it.effect("ends with its scope, and with it every connection", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const stalled = FaultPlan.make([{ name: "s", when: FaultPlan.always, fault: FaultPlan.stall("1 hour") }])
      const { faults, url } = yield* Scope.provide(PineconeEmulator.make({ faultPlan: stalled }), scope)
      yield* Effect.promise(() => fetch(`${url}/nowhere`, { headers: { "api-key": "k" } }))
      const waiting = yield* Effect.forkChild(
        failureOf(fetch(`${url}/i/x/describe_index_stats`, { method: "POST", headers: { "api-key": "k" } }))
      )
      while ((yield* faults.fired)["s"] === 0) yield* Effect.promise(() => new Promise(setImmediate))
      yield* Scope.close(scope, Exit.void)
      assert.instanceOf(yield* Fiber.join(waiting), Error)
      assert.instanceOf(yield* failureOf(fetch(url)), Error)
    })
  )

  it.effect("takes fault plans over HTTP, without a key", () =>
    Effect.gen(function* () {
      const { data, emulator, send } = yield* raw({ dimension: 2 })
      const noKey = { "api-key": "" }
      const plan = {
        rules: [{ name: "down", operations: ["query"], when: { _tag: "Always" }, fault: FaultPlan.status(503) }]
      }
      assert.strictEqual((yield* send("PUT", "/__admin/faults", plan, noKey)).status, 200)
      assert.strictEqual((yield* data("POST", "/query", { topK: 1, id: "a" })).status, 503)
      assert.strictEqual((yield* data("POST", "/describe_index_stats")).status, 200)
      assert.deepInclude(json(yield* send("GET", "/__admin/faults", undefined, noKey)), { fired: { down: 1 } })
      assert.deepStrictEqual(yield* emulator.faults.fired, { down: 1 })
      assert.strictEqual((yield* send("DELETE", "/__admin/faults", undefined, noKey)).status, 200)
      assert.strictEqual((yield* data("POST", "/query", { topK: 1, id: "a" })).status, 200)
    })
  )

  it.effect("meters what quotas count", () =>
    Effect.gen(function* () {
      const quotas = {
        upsertRequestsPerNamespace: 2,
        deleteRecordsPerNamespace: 3,
        updateByMetadataRequestsPerNamespace: 1
      }
      const { data, emulator } = yield* raw({ dimension: 2 }, { quotas })
      const statusOf = (path: string, body: object) => Effect.map(data("POST", path, body), ({ status }) => status)
      const vectors = [{ id: "a", values: [1, 2] }]
      for (const [namespace, status] of [
        ["n", 200],
        ["", 200],
        ["__default__", 200],
        [undefined, 429],
        ["n", 200],
        ["n", 429]
      ] as const) {
        assert.strictEqual(yield* statusOf("/vectors/upsert", { vectors, namespace }), status)
      }
      assert.strictEqual(yield* statusOf("/vectors/delete", { ids: ["a", "b"] }), 200)
      assert.strictEqual(yield* statusOf("/vectors/delete", { ids: ["a", "b"] }), 429)
      for (const status of [200, 429]) {
        assert.strictEqual(yield* statusOf("/vectors/update", { filter: { a: 1 }, setMetadata: { b: 1 } }), status)
        assert.strictEqual(yield* statusOf("/vectors/update", { id: "a", setMetadata: { b: 1 } }), 200)
      }
      assert.deepStrictEqual(yield* emulator.faults.overQuota, {
        upsertRequestsPerNamespace: 2,
        deleteRecordsPerNamespace: 1,
        updateByMetadataRequestsPerNamespace: 1
      })
    })
  )
})
