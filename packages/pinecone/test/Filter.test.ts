import * as Filter from "@effect-connectors/pinecone/Filter"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"

interface Article {
  readonly title: string
  readonly year: number
  readonly open: boolean
  readonly tags: ReadonlyArray<string>
}

const f = Filter.make<Article>()

const cases: ReadonlyArray<readonly [string, Filter.Filter<Article>, Filter.Filter<Article>]> = [
  ["eq", f.eq("title", "A"), { title: { $eq: "A" } }],
  ["eq of a list", f.eq("tags", "ml"), { tags: { $eq: "ml" } }],
  ["ne", f.ne("open", false), { open: { $ne: false } }],
  ["gt", f.gt("year", 0), { year: { $gt: 0 } }],
  ["gte", f.gte("year", 2020), { year: { $gte: 2020 } }],
  ["lt", f.lt("year", 2020), { year: { $lt: 2020 } }],
  ["lte", f.lte("year", 2020), { year: { $lte: 2020 } }],
  ["in", f.in("tags", ["ml", "db"]), { tags: { $in: ["ml", "db"] } }],
  ["nin", f.nin("year", [1, 2]), { year: { $nin: [1, 2] } }],
  ["exists", f.exists("title"), { title: { $exists: true } }],
  ["exists not", f.exists("title", false), { title: { $exists: false } }],
  ["and", f.and(f.eq("year", 1), { open: true }), { $and: [{ year: { $eq: 1 } }, { open: true }] }],
  ["or", f.or(f.eq("year", 1)), { $or: [{ year: { $eq: 1 } }] }],
  ["not", f.not({ title: "A" }), { $not: { title: "A" } }],
  [
    "all of it, nested",
    f.and(f.or(f.gte("year", 2020), f.not(f.in("tags", []))), f.nin("title", ["A"])),
    { $and: [{ $or: [{ year: { $gte: 2020 } }, { $not: { tags: { $in: [] } } }] }, { title: { $nin: ["A"] } }] }
  ]
]

describe("Filter.make", () => {
  it.each(cases)("%s is the literal", (_, built, literal) => {
    assert.deepStrictEqual(built, literal)
    assert.deepStrictEqual(JSON.parse(JSON.stringify(built)), literal)
  })
})

describe("Filter.untyped", () => {
  it("keeps every part", () => {
    for (const [, built] of cases) assert.deepStrictEqual<unknown>(Filter.untyped(built), built)
  })
})

describe("Filter.toWire", () => {
  it("writes every condition out", () => {
    assert.deepStrictEqual<unknown>(
      Filter.toWire(f.and({ open: false, year: 0 }, f.not({ tags: { $in: ["a"] } }))),
      Result.succeed({ $and: [{ open: { $eq: false }, year: { $eq: 0 } }, { $not: { tags: { $in: ["a"] } } }] })
    )
  })

  const refusals: ReadonlyArray<readonly [json: string, says: string]> = [
    [`{}`, "filter is empty; leave it out, or name at least one field"],
    [`null`, "filter is not an object; leave it out, or name at least one field"],
    [`["a"]`, "filter is not an object; leave it out, or name at least one field"],
    [`{"$not":{}}`, `filter has nothing at "$not"; leave that condition out or fill it`],
    [`{"$or":[{"a":1},{}]}`, `filter has nothing at "$or[1]"; leave that condition out or fill it`],
    [`{"a":{"$in":["x",null]}}`, `filter has null at "a.$in[1]", which JSON cannot carry`]
  ]
  it.each(refusals)("refuses %s", (json, says) => {
    const refused = Filter.toWire(JSON.parse(json))
    assert(Result.isFailure(refused))
    assert.strictEqual(refused.failure.field, "filter")
    assert.include(refused.failure.message, says)
  })
})
