import { assert, describe, it } from "@effect/vitest"
import { found, make, refusalOf, request } from "./documentSupport.ts"
import { ok } from "./storeSupport.ts"

const store = make()
ok(
  store.upsert(
    request(
      { _id: "a", title: "red shoes", body: "for running in the rain" },
      { _id: "b", title: "blue shoes", body: "for dry days" },
      { _id: "c", title: "red umbrella", body: "against rain and wind" },
      { _id: "d", title: "wi-fi: AND/OR", body: "shoe" }
    )
  )
)
const find = (query: string) => found(store, { type: "query_string", query }).toSorted()

describe("query strings", () => {
  it.each<[string, string]>([
    ["shoes", "ab"],
    ["shoes umbrella", "abc"],
    ["shoes OR umbrella", "abc"],
    ["shoes || umbrella", "abc"],
    ["red AND rain", "ac"],
    ["red && rain && shoes", "a"],
    ["shoes AND red OR umbrella", "ac"],
    ["+red shoes", "ac"],
    ["shoes -red", "b"],
    ["shoes NOT red", "b"],
    ["shoes AND NOT red", "b"],
    ["rain AND !title:shoes", "c"],
    ["(shoes OR umbrella) AND red", "ac"],
    ["title:rain", ""],
    ["body:rain title:blue", "abc"],
    ["title:(red AND shoes)", "a"],
    ["title:(red -shoes) body:days", "bc"],
    ["body:(title:red)", "ac"],
    ['"red shoes"', "a"],
    ['"shoes red"', ""],
    ['body:"running rain"', ""],
    ['body:"running rain"~2', "a"],
    ['body:"running rain"~1', ""],
    ['"red umb"*', "c"],
    ["sho*", "abd"],
    ["title:sho*", "ab"],
    ["wi-fi", "d"],
    ["wi\\-fi", "d"],
    ["AND\\/OR", "cd"],
    ["\\AND", "cd"],
    ["ReD", "ac"],
    ["red^2 shoes^0.5", "abc"],
    ["  shoes  ", "ab"]
  ])("%s", (query, ids) => {
    assert.strictEqual(find(query).join(""), ids)
  })

  it("a boost multiplies", () => {
    const score = (query: string) =>
      ok(store.search({ topK: 1, scoreBy: [{ type: "query_string", query }] })).matches[0]?.score ?? NaN
    assert.approximately(score("umbrella^2.5"), 2.5 * score("umbrella"), 1e-6)
    assert.approximately(score("(umbrella wind)^3"), 3 * score("umbrella wind"), 1e-5)
    assert.strictEqual(score("title:umb*"), 1)
  })

  it("words with + have to be there, others only score", () => {
    const ranked = found(store, { type: "query_string", query: "+rain shoes" })
    assert.deepStrictEqual(ranked, ["a", "c"])
  })

  it.each<[string, string]>([
    ["(red", "has a ( without its )"],
    ["red)", "has a ) without its ("],
    ["()", "is empty"],
    ["red AND", "needs a word or a phrase at its end"],
    ["AND red", "after an operator"],
    ["red OR", "ends with OR"],
    ["-red", "only says what must not be there"],
    ["red AND (-blue)", "only says what must not be there"],
    ["author:red", "names 'author', which is not a field with full-text search"],
    ["dense:1", "names 'dense'"],
    ['"red', "cannot be read"],
    ["red~1", "cannot be read"],
    ["title:[a TO b]", "cannot be read"],
    ["/re.*/", "cannot be read"],
    ["title:", "at its end"],
    [`${"(".repeat(101)}red${")".repeat(101)}`, "nested too deeply"]
  ])("%s is refused", (query, why) => {
    assert.include(refusalOf(store.search({ topK: 1, scoreBy: [{ type: "query_string", query }] })), why)
  })

  it("without a text field there is nothing to ask", () => {
    const vectors = make({ fields: { v: { type: "sparse_vector" } } })
    assert.include(
      refusalOf(vectors.search({ topK: 1, scoreBy: [{ type: "query_string", query: "red" }] })),
      "no field with full-text search"
    )
  })
})
