import { baseUrl, connectionFailed, invalidHeader, isKey, withoutSecrets } from "@effect-connectors/core/HttpFailure"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"

describe("connectionFailed", () => {
  const hidden = (code: string) =>
    new TypeError("fetch failed", { cause: Object.assign(new Error(`connect ${code} 127.0.0.1:1`), { code }) })

  it.each(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"])("%s: nothing was sent", (code) => {
    const reason = connectionFailed(hidden(code))
    assert.isFalse(reason.sent)
    assert.include(reason.detail, code)
  })

  it.each(["ECONNRESET", "UND_ERR_SOCKET", "EPIPE"])("%s: the store may have it", (code) => {
    assert.isTrue(connectionFailed(hidden(code)).sent)
  })

  it("keeps to the safe side with what it does not know", () => {
    assert.deepInclude(connectionFailed("odd"), { detail: "odd", sent: true })
    assert.deepInclude(connectionFailed(new Error("")), { detail: "Error", sent: true })
    assert.include(connectionFailed(Object.assign(new Error("why"), { code: "EWHY" })).detail, "why: EWHY")
  })
})

describe("withoutSecrets", () => {
  it("leaves none of them, and text without them as it is", () => {
    assert.strictEqual(withoutSecrets("key k1, key k2, k1", ["k1", "k2"]), "key <redacted>, key <redacted>, <redacted>")
    assert.strictEqual(withoutSecrets("nothing", ["", "k"]), "nothing")
  })

  it("takes a short one out where it stands alone, and leaves the words that hold it", () => {
    assert.strictEqual(
      withoutSecrets("too many of company any, 'any'", ["any"]),
      "too many of company <redacted>, '<redacted>'"
    )
    assert.strictEqual(withoutSecrets("xlong-key-1y", ["long-key-1"]), "x<redacted>y")
  })

  it("knows them in JSON and in addresses", () => {
    const secret = `a"b/c+d!`
    const forms = [secret, JSON.stringify(secret), encodeURIComponent(secret), String(new URLSearchParams({ secret }))]
    for (const form of forms) assert.notMatch(withoutSecrets(form, [secret]), /a.*b.*c/)
    assert.strictEqual(withoutSecrets("\ud800", ["\ud800"]), "<redacted>")
  })
})

describe("isKey and invalidHeader", () => {
  it("know what fits into a header", () => {
    assert.deepStrictEqual(["abc-1", "", "a b", "a\n"].map(isKey), [true, false, false, false])
    assert.strictEqual(invalidHeader("headers", { "x-a": "b c" }), undefined)
    assert.include(invalidHeader("headers", { "x-a": "b\r\nc" })?.issue, "x-a")
    assert.include(invalidHeader("headers", { "x a": "b" })?.issue, "x a")
  })
})

describe("baseUrl", () => {
  it.each([
    ["store.example.com/", "https://store.example.com"],
    ["127.0.0.1:5090/base/", "http://127.0.0.1:5090/base"],
    [" http://store.example.com ", "http://store.example.com"]
  ])("%s is %s", (address, url) => {
    assert.deepStrictEqual(baseUrl("url", address, "x"), Result.succeed(url))
  })

  it.each(["ftp://a.b", "https://u:p@a.b", "https://a.b?c", "https://a.b#c", "https://"])("%s is none", (address) => {
    assert.isTrue(Result.isFailure(baseUrl("url", address, "x")))
  })
})
