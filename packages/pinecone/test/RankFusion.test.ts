import { assert, describe, it } from "@effect/vitest"
import * as RankFusion from "@effect-connectors/pinecone/RankFusion"

type Rankings = ReadonlyArray<ReadonlyArray<string>>

const fuse = (rankings: Rankings, options: Omit<RankFusion.Options<string>, "id"> = {}) =>
  RankFusion.fuse(rankings, { ...options, id: (id) => id })

const ids = (...args: Parameters<typeof fuse>) => fuse(...args).map(({ item }) => item)

const others = (count: number, name: string) => Array.from({ length: count }, (_, i) => `${name}${i}`)

describe("fuse", () => {
  it("adds 1 / (k + rank) over the rankings, the first having rank 1", () => {
    assert.deepStrictEqual(
      fuse([
        ["a", "b"],
        ["b", "c"]
      ]),
      [
        { item: "b", score: 1 / 62 + 1 / 61 },
        { item: "a", score: 1 / 61 },
        { item: "c", score: 1 / 62 }
      ]
    )
    assert.deepStrictEqual(fuse([["a"]], { k: 1 }), [{ item: "a", score: 1 / 2 }])
  })

  it("keeps what is in one ranking only, also beside an empty one", () => {
    assert.deepStrictEqual(ids([[], ["b", "a"]]), ["b", "a"])
    assert.deepStrictEqual(ids([["a", "b"], ["c"]]), ["a", "c", "b"])
    assert.deepStrictEqual(fuse([]), [])
    assert.deepStrictEqual(fuse([[], []]), [])
  })

  it("has a document that is further down in both before the first of one: that is what k does", () => {
    const words = ["a", "x", "y"]
    const meaning = ["b", "z", "y"]
    assert.strictEqual(ids([words, meaning])[0], "y")
    assert.strictEqual(ids([words, meaning], { k: 0 })[0], "a")
  })

  it("orders equal scores by id, whichever ranking comes first", () => {
    assert.deepStrictEqual(ids([["b"], ["a"]]), ["a", "b"])
    assert.deepStrictEqual(ids([["a"], ["b"]]), ["a", "b"])
    // Each of a, b and c is first, second and seventh. Added up as they come, 1/61 + 1/62 + 1/67 has another last digit for one.
    const three = [
      ["c", "a", ...others(4, "p"), "b"],
      ["a", "b", ...others(4, "q"), "c"],
      ["b", "c", ...others(4, "r"), "a"]
    ]
    for (const rankings of [three, three.toReversed()]) {
      const merged = fuse(rankings).slice(0, 3)
      assert.deepStrictEqual(
        merged.map(({ item }) => item),
        ["a", "b", "c"]
      )
      assert.strictEqual(new Set(merged.map(({ score }) => score)).size, 1)
    }
  })

  it("counts an id once a ranking, at its better place", () => {
    assert.deepStrictEqual(fuse([["a", "a", "b"]]), [
      { item: "a", score: 1 / 61 },
      { item: "b", score: 1 / 62 }
    ])
  })

  it("lets a ranking count for more, and for nothing", () => {
    const rankings = [["a", "b"], ["c"]]
    assert.deepStrictEqual(ids(rankings, { weights: [1, 2] }), ["c", "a", "b"])
    assert.deepStrictEqual(fuse(rankings, { weights: [0, 1] })[0], { item: "c", score: 1 / 61 })
    assert.deepStrictEqual(ids(rankings, { weights: [1] }), ids(rankings))
  })

  it("takes a number that can not be as not given", () => {
    const rankings = [
      ["a", "b"],
      ["b", "c"]
    ]
    for (const wrong of [-1, -61, NaN, Infinity, -Infinity]) {
      assert.deepStrictEqual(fuse(rankings, { k: wrong }), fuse(rankings))
      assert.deepStrictEqual(fuse(rankings, { weights: [wrong, 2] }), fuse(rankings, { weights: [1, 2] }))
    }
  })

  it("gives an item as the first ranking has it", () => {
    const words = [{ _id: "a", from: "words" }]
    const meaning = [
      { _id: "b", from: "meaning" },
      { _id: "a", from: "meaning" }
    ]
    assert.deepStrictEqual(
      RankFusion.fuse([words, meaning], { id: ({ _id }) => _id }).map(({ item }) => item),
      [words[0], meaning[0]]
    )
  })
})
