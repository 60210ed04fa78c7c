import { firstIssue } from "@effect-connectors/core/FirstIssue"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const issueOf = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, value: unknown) => {
  const decoded = Schema.decodeUnknownResult(schema)(value)
  assert(Result.isFailure(decoded))
  return firstIssue(decoded.failure.issue)
}

describe("firstIssue", () => {
  const User = Schema.Struct({
    name: Schema.String,
    tags: Schema.Array(Schema.Struct({ id: Schema.Int }))
  })

  it("says where, and what in one line", () => {
    assert.deepStrictEqual(issueOf(User, { name: "a", tags: [{ id: 1 }, { id: "x" }] }), {
      path: ["tags", "1", "id"],
      message: "must be number"
    })
    assert.deepStrictEqual(issueOf(User, { tags: [] }), { path: ["name"], message: "is missing" })
  })

  it("words what should not be there", () => {
    const decoded = Schema.decodeUnknownResult(User, { onExcessProperty: "error" })({ name: "a", tags: [], age: 1 })
    assert(Result.isFailure(decoded))
    assert.deepStrictEqual(firstIssue(decoded.failure.issue), { path: ["age"], message: "should not be there" })
  })

  it("has an empty path for the value itself", () => {
    assert.deepStrictEqual(issueOf(Schema.String, 1), { path: [], message: "must be string" })
  })

  it("is the first of several", () => {
    assert.deepStrictEqual(issueOf(User, { name: 1, tags: 2 }).path, ["name"])
  })

  it("gives the words of a check", () => {
    const Even = Schema.Number.check(
      Schema.makeFilter((n: number) => (n % 2 === 0 ? undefined : `is ${n}, an odd one`))
    )
    assert.deepStrictEqual(issueOf(Schema.Struct({ n: Even }), { n: 3 }), { path: ["n"], message: "is 3, an odd one" })
  })

  it("names symbols", () => {
    const key = Symbol.for("k")
    const path = issueOf(Schema.Struct({ [key]: Schema.String }), { [key]: 1 }).path
    assert.deepStrictEqual(path, ["Symbol(k)"])
  })
})
