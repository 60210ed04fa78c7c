import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { fileName } from "../src/internal/fileName.ts"

/** Names as a file system has them that ignores case. */
const folded = (texts: ReadonlyArray<string>) => new Set(texts.map((text) => fileName(text).toLowerCase()))

describe("fileName", () => {
  it("keeps plain names, and gives others a digest", () => {
    assert.strictEqual(fileName("articles-1.v2_x"), "articles-1.v2_x")
    assert.match(fileName("a/b c"), /^a_b_c\+[0-9a-f]{12}$/)
    assert.match(fileName("..secret"), /^secret\+[0-9a-f]{12}$/)
    assert.match(fileName(""), /^\+[0-9a-f]{12}$/)
    assert.strictEqual(fileName("0b7a4e0c-9d1f-4f6e-8a55-3c2b1d0e9f8a"), "0b7a4e0c-9d1f-4f6e-8a55-3c2b1d0e9f8a")
    assert.isAtMost(fileName("x".repeat(5000)).length, 100)
  })

  it.prop(
    "tells texts apart, also where capitals and small letters are the same",
    [Schema.Array(Schema.String.check(Schema.isPattern(/^[aA/._]{0,4}$/)))],
    ([texts]) => {
      assert.strictEqual(folded(texts).size, new Set(texts).size)
    }
  )

  it("tells apart a text and the name of another one", () => {
    for (const text of ["A", "a b", ".a", "a/A"]) {
      const name = fileName(text)
      assert.strictEqual(folded([text, name, name.toLowerCase()]).size, new Set([text, name, name.toLowerCase()]).size)
    }
    assert.strictEqual(folded(["doc", "Doc", "DOC"]).size, 3)
  })
})
