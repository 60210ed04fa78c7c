/** The limits of text, compared with a plain count of its words. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { documentedText, textIssue } from "../src/internal/textLimits.ts"

const limits = { maxBytes: 200, maxTokens: 6, maxTokenBytes: 12 }

/** Words by the book: runs of letters and digits. */
const wordsOf = (text: string) => text.match(/[\p{L}\p{N}]+/gu) ?? []

const keeps = (text: string): boolean =>
  Buffer.byteLength(text) <= limits.maxBytes &&
  wordsOf(text).length <= limits.maxTokens &&
  wordsOf(text).every((word) => Buffer.byteLength(word) <= limits.maxTokenBytes)

const Pieces = Schema.Array(
  Schema.Literals(["a", "B7", "word", "longer", " ", "  ", ".", "-", "é", "üüü", "क", "ककक", "\n", "/"])
)

describe("limits of text", () => {
  it.prop(
    "are those of a plain count",
    [Pieces],
    ([pieces]) => {
      const text = pieces.join("")
      assert.strictEqual(textIssue(text, limits, true) === undefined, keeps(text), JSON.stringify(text))
    },
    { arbitrary: { runs: 2000, size: 40 } }
  )

  it("hold at their edges", () => {
    const edge = (text: string) => textIssue(text, documentedText, true)
    assert.isUndefined(edge("b".repeat(256)))
    assert.match(edge("b".repeat(257)) ?? "", /word of 257 bytes/)
    assert.isUndefined(edge(`${"-".repeat(200)}${"é".repeat(128)}`))
    assert.match(edge(`${"-".repeat(200)}${"é".repeat(129)}`) ?? "", /word of 258 bytes/)
    assert.isUndefined(edge("a ".repeat(10_000)))
    assert.match(edge("a ".repeat(10_001)) ?? "", /10001 words/)
    assert.isUndefined(edge("a".repeat(20).concat(" ").repeat(4876).slice(0, 102_400)))
    assert.match(edge(" ".repeat(102_401)) ?? "", /102401 bytes/)
  })

  it("leave to the service what is no word: scripts without spaces, and n-grams", () => {
    assert.isUndefined(textIssue("文".repeat(1000), documentedText, true))
    assert.isUndefined(textIssue("b".repeat(1000), documentedText, false))
  })
})
