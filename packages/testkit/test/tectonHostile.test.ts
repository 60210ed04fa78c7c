/** Bodies that want to break the emulator. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { raw, reading, v1 } from "./tectonRaw.ts"
import { at } from "./tectonSupport.ts"

describe("hostile bodies", () => {
  const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`
  const inRecord = (field: string) =>
    `{"workspace_name":"prod","dry_run":false,"records":{"profiles":[{"record":{"user_id":"u","at":"${at(0)}",${field}}}]}}`
  const inLookup = (params: string) => `{"params":{"workspaceName":"prod","featureServiceName":"clicks",${params}}}`

  it.effect.each([
    ["/ingest", ""],
    ["/ingest", "{"],
    ["/ingest", "\u0000"],
    ["/ingest", deep(100_000)],
    ["/ingest", `{"a":${deep(100_000)},"b":12345678901234567890}`],
    ["/ingest", inRecord(`"tags":${deep(50_000)}`)],
    ["/ingest", inRecord(`"tags":${deep(50_000)},"age":12345678901234567890`)],
    ["/ingest", inRecord(`"age":1e400`)],
    ["/ingest", inRecord(`"age":9223372036854775808`)],
    ["/ingest", inRecord(`"age":${"9".repeat(100_000)}`)],
    ["/ingest", inRecord(`"age":"${"9".repeat(100_000)}"`)],
    ["/ingest", inRecord(`"spot":{"lat":1e400}`)],
    ["/ingest", inRecord(`"spot":{"__proto__":{"lat":1}}`)],
    ["/ingest", inRecord(`"__proto__":{"country":"SE"}`)],
    ["/ingest", inRecord(`"constructor":1`)],
    ["/ingest", inRecord(`"seen":"9999999-01-01T00:00:00Z"`)],
    [v1("get-features"), "null"],
    [v1("get-features"), "7"],
    [v1("get-features"), deep(100_000)],
    [v1("get-features"), inLookup(`"joinKeyMap":{"__proto__":"u"}`)],
    [v1("get-features"), inLookup(`"joinKeyMap":{"user_id":"u","toString":"u"}`)],
    [v1("get-features"), inLookup(`"joinKeyMap":{"user_id":${deep(50_000)}}`)],
    [v1("get-features"), inLookup(`"joinKeyMap":{"user_id":"u"},"requestOptions":${deep(50_000)}`)],
    [v1("get-features"), `{"params":{"workspaceName":"__proto__","featureServiceName":"toString"}}`]
  ] as const)("%s is a bad request and not a crash", ([path, body]) =>
    Effect.gen(function* () {
      const { post } = yield* raw()
      const answer = yield* post(path, body)
      assert.oneOf(answer.status, [400, 404])
      assert.isBelow(answer.text.length, 2_000)
      assert.strictEqual((yield* post(v1("metadata"), reading("clicks"))).status, 200)
    })
  )

  it.effect("keep the keys of maps that mean more to JavaScript", () =>
    Effect.gen(function* () {
      const { post } = yield* raw()
      assert.strictEqual((yield* post("/ingest", inRecord(`"counts":{"__proto__":1,"constructor":2}`))).status, 200)
      const { text } = yield* post(v1("get-features"), reading("profile", { joinKeyMap: { user_id: "u" } }))
      assert.include(text, `{"__proto__":"1","constructor":"2"}`)
    })
  )

  it.effect("and bytes that are no UTF-8 are refused", () =>
    Effect.gen(function* () {
      const { emulator } = yield* raw()
      const response = yield* Effect.promise(() =>
        fetch(`${emulator.url}/ingest`, {
          method: "POST",
          headers: { authorization: "Tecton-key k" },
          body: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d])
        })
      )
      assert.strictEqual(response.status, 400)
    })
  )
})
