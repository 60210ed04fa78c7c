import { assert, describe, it } from "@effect/vitest"
import { read } from "../src/internal/documents/schema.ts"
import { articles, found, make, refusalOf, request } from "./documentSupport.ts"
import { assertRefused, ok } from "./storeSupport.ts"

const text = (query: string, ...fields: ReadonlyArray<string>) => ({ type: "text", fields, query })

describe("the schema of an index", () => {
  const dense = { type: "dense_vector", dimension: 2, metric: "cosine" }
  it.each<[string, Record<string, unknown>, string]>([
    ["no field", {}, "Schema must contain at least one of the following field types"],
    ["two dense fields", { a: dense, b: dense }, "Schema has 2 dense_vector fields, at most one is allowed"],
    [
      "two sparse fields",
      { a: { type: "sparse_vector" }, b: { type: "sparse_vector" } },
      "Schema has 2 sparse_vector fields"
    ],
    [
      "101 text fields",
      Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`f${n}`, { type: "string", full_text_search: {} }])),
      "101 full_text_search fields, at most 100"
    ],
    ["a name without letters", { "": dense }, "must not be empty"],
    ["a name of 65 bytes", { [`${"é".repeat(32)}x`]: dense }, "more than 64 bytes"],
    ["a name with $", { $a: dense }, "must not start with $"],
    ["a name with _", { _a: dense }, "must not start with _"],
    ["a reserved name beside others", { _values: dense, a: dense }, "'_values' must not start with _"],
    ["metadata", { n: { type: "float" } }, "'n' of type float is metadata and cannot be declared"],
    ["text that is not searched", { s: { type: "string" } }, "string without full_text_search"],
    ["text to embed", { s: { type: "semantic_text" } }, "semantic_text cannot be declared"],
    ["an unknown type", { s: { type: "blob" } }, "dense_vector, sparse_vector or string"],
    ["a dimension of 0", { a: { ...dense, dimension: 0 } }, "Dimension must be a whole number from 1 to 20000"],
    ["no dimension", { a: { type: "dense_vector" } }, "Schema field 'a' is malformed"],
    ["a long description", { a: { ...dense, description: "x".repeat(257) } }, "more than 256 bytes"],
    [
      "stop words without stemming",
      { s: { type: "string", full_text_search: { stop_words: true } } },
      "stop_words requires stemming"
    ],
    [
      "grams that are stemmed",
      { s: { type: "string", full_text_search: { stemming: true, ngram: { min_gram: 1, max_gram: 2 } } } },
      "ngram cannot be combined"
    ],
    [
      "grams of 11",
      { s: { type: "string", full_text_search: { ngram: { min_gram: 1, max_gram: 11 } } } },
      "1 <= min_gram <= max_gram <= 10"
    ],
    [
      "stems of German",
      { s: { type: "string", full_text_search: { stemming: true, language: "de" } } },
      "English (en) alone"
    ]
  ])("refuses %s", (_, fields, why) => {
    assert.include(refusalOf(read(fields)), why)
  })

  it("fills in what is not given", () => {
    assert.deepStrictEqual(
      ok(read({ s: { type: "string", full_text_search: { ngram: { min_gram: 2, max_gram: 3 } } } })),
      {
        fields: {
          s: {
            type: "string",
            full_text_search: {
              language: "en",
              stemming: false,
              stop_words: false,
              ngram: { min_gram: 2, max_gram: 3, prefix_only: false }
            }
          }
        }
      }
    )
  })
})

describe("documents that break a rule", () => {
  const good = { _id: "good", title: "kept out by the other" }
  it.each<[string, unknown, string]>([
    ["no _id", { title: "a" }, "Document is missing required field '_id'"],
    ["an _id that is a number", { _id: 5, title: "a" }, "Document field '_id' must be a string, got 5"],
    ["an empty _id", { _id: "", title: "a" }, "Document _id length must be a whole number from 1 to 512"],
    ["an _id of 513 characters", { _id: "x".repeat(513), title: "a" }, "from 1 to 512, got 513"],
    ["an _id that is not ASCII", { _id: "é", title: "a" }, "Document _id must be ASCII"],
    ["no field of the schema", { _id: "a", year: 5 }, "'a' must have at least one field of the index schema"],
    ["only null", { _id: "a", title: null }, "at least one field of the index schema"],
    ["text that is a number", { _id: "a", title: 5 }, "Field 'title' of document 'a' must be a string, got 5"],
    ["100 KB of text and a byte", { _id: "a", title: "word ".repeat(20_480) + "x" }, "has 102401 bytes"],
    ["10,001 tokens", { _id: "a", title: "a ".repeat(10_001) }, "has 10001 tokens, which exceeds the limit of 10000"],
    ["a token of 257 bytes", { _id: "a", title: `ab ${"x".repeat(257)}` }, "has a token of 257 bytes"],
    ["a vector that is text", { _id: "a", dense: "1,2" }, "Field 'dense' of document 'a' must be a list of numbers"],
    ["a vector of text", { _id: "a", dense: ["1", 2] }, "must be a list of numbers"],
    ["a vector of 3", { _id: "a", dense: [1, 2, 3] }, "Vector dimension 3 does not match the dimension of the index 2"],
    ["a vector of zeros", { _id: "a", dense: [0, 0] }, "must contain at least one non-zero value"],
    ["a number that is too large", { _id: "a", dense: [1e39, 0] }, "finite float32"],
    ["sparse values that are a list", { _id: "a", sparse: [1] }, "an object with indices and values"],
    [
      "fewer sparse values than positions",
      { _id: "a", sparse: { indices: [1, 2], values: [1] } },
      "2 indices and 1 values"
    ],
    [
      "metadata that is an object",
      { _id: "a", title: "a", x: { y: 1 } },
      "list of strings, got '{\"y\":1}' for field 'x'"
    ],
    ["metadata that is a list of numbers", { _id: "a", title: "a", x: [1] }, "for field 'x'"],
    ["a name with $", { _id: "a", title: "a", $x: 1 }, "Field '$x' must not start with $"],
    ["a name with _", { _id: "a", title: "a", _x: 1 }, "Field '_x' must not start with _"],
    ["40,961 bytes of metadata", { _id: "a", title: "a", x: "y".repeat(40_953) }, "Metadata size is 40961 bytes"],
    ["no object", 5, "A document must be an object, got 5"]
  ])("refuses a document with %s, and what is with it", (_, bad, why) => {
    const store = make()
    assert.include(refusalOf(store.upsert(request(good, bad))), why)
    assert.strictEqual(store.stats().totalRecords, 0)
  })

  it("takes what is just within the limits", () => {
    const store = make()
    ok(
      store.upsert(
        request(
          { _id: "x".repeat(512), title: "word ".repeat(20_480).slice(0, 50_000), unknown: "y".repeat(40_938) },
          { _id: "b", title: "x".repeat(256), body: "a ".repeat(10_000) }
        )
      )
    )
    assert.strictEqual(store.stats().totalRecords, 2)
  })

  it("refuses 1,001 documents, 2 MB and a document over its own limit", () => {
    const documents = (count: number, size: number) =>
      Array.from({ length: count }, (_, n) => ({ _id: `${n}`, title: "x ".repeat(size) }))
    const store = make()
    assert.include(refusalOf(store.upsert(request(...documents(1_001, 1)))), "from 1 to 1000, got 1001")
    assert.include(refusalOf(store.upsert(request())), "from 1 to 1000, got 0")
    const large = assertRefused(store.upsert(request(...documents(200, 9_000))), 400, 3, "maximum supported size - 2MB")
    assert.strictEqual(large._tag, "RequestTooLarge")
    const one = {
      _id: "one",
      title: "x",
      ...Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`m${n}`, "y".repeat(99)]))
    }
    assert.include(
      refusalOf(make({ limits: { maxDocumentBytes: 500 } }).upsert(request(good, one))),
      "Document 'one' is larger"
    )
    ok(make({ limits: { maxDocumentBytes: 1_000 } }).upsert(request(good, good, good, one)))
  })
})

describe("documents", () => {
  it("of one upsert with the same id the last wins, and nothing of the first is found", () => {
    const store = make()
    ok(store.upsert(request({ _id: "a", title: "old", body: "gone" }, { _id: "a", title: "new" })))
    assert.deepStrictEqual(found(store, text("old gone", "title", "body")), [])
    assert.deepStrictEqual(found(store, text("new", "title")), ["a"])
    assert.strictEqual(store.stats().totalRecords, 1)
  })

  it("what was given and what was fetched can be changed without changing the store", () => {
    const store = make()
    const document = { _id: "a", dense: [1, 2], sparse: { indices: [1], values: [1] }, tags: ["x"] }
    ok(store.upsert(request(document)))
    document.dense[0] = 9
    document.sparse.values[0] = 9
    document.tags[0] = "changed"
    const read = () => ok(store.fetch({ ids: ["a"] })).documents.get("a")
    const before = read()
    const values = before?.["dense"]
    assert(values instanceof Float32Array)
    assert.deepStrictEqual(Array.from(values), [1, 2])
    assert.deepStrictEqual(before?.["tags"], ["x"])
    values[0] = 7
    assert.deepStrictEqual(read()?.["dense"], Float32Array.of(1, 2))
  })

  it("fields may have the names of JavaScript's own properties", () => {
    const store = make()
    ok(store.upsert(request({ _id: "a", title: "x", constructor: "c", toString: "t" })))
    const fields = ok(store.fetch({ ids: ["a"] })).documents.get("a")
    assert.deepStrictEqual(Object.entries(fields ?? {}), [
      ["title", "x"],
      ["constructor", "c"],
      ["toString", "t"]
    ])
    assert.strictEqual(ok(store.fetch({ filter: { constructor: "c" } })).documents.size, 1)
    assert.strictEqual(ok(store.fetch({ filter: { valueOf: { $exists: true } } })).documents.size, 0)
  })

  it("an update changes what it names, in its order, and makes nothing", () => {
    const store = make()
    ok(store.upsert(request({ _id: "a", title: "t", dense: [1, 2], year: 1, tags: ["x"] })))
    ok(
      store.update(
        request(
          { _id: "a", year: 2, dense: null },
          { _id: "a", _remove_fields: ["tags", "nothing"], dense: [3, 4] },
          { _id: "new", title: "t" }
        )
      )
    )
    const { documents } = ok(store.fetch({ ids: ["a", "new"] }))
    assert.deepStrictEqual([...documents], [["a", { title: "t", dense: Float32Array.of(3, 4), year: 2 }]])
    ok(store.update({ ...request({ _id: "a", title: "t" }), namespace: "not there" }))
    assert.deepStrictEqual(
      ok(store.namespaces({})).namespaces.map(({ name }) => name),
      ["__default__"]
    )
  })

  it.each<[string, unknown, string]>([
    ["both sets and removes a field", { _id: "a", year: 5, _remove_fields: ["year"] }, "both set and removed"],
    ["removes the id", { _id: "a", _remove_fields: ["_id"] }, "'_id' cannot be removed"],
    ["removes what is no list", { _id: "a", _remove_fields: "year" }, "must be a list of names"],
    ["removes the last field of the schema", { _id: "a", _remove_fields: ["title"] }, "at least one field"],
    ["sets a field to another type", { _id: "a", title: 5 }, "must be a string"]
  ])("refuses an update that %s", (_, patch, why) => {
    const store = make()
    ok(store.upsert(request({ _id: "a", title: "t", year: 1 })))
    assert.include(refusalOf(store.update(request(patch))), why)
    assert.deepStrictEqual(ok(store.fetch({ ids: ["a"] })).documents.get("a"), { title: "t", year: 1 })
  })

  it("an update by filter is one write, or none", () => {
    const store = make()
    ok(store.upsert(request({ _id: "a", title: "t", n: 1 }, { _id: "b", body: "t", n: 1 }, { _id: "c", title: "t" })))
    const change = { filter: { n: 1 }, setFields: { n: 2 }, removeFields: [] }
    assert.strictEqual(ok(store.updateByFilter(change)).matched, 2)
    assert.strictEqual(ok(store.updateByFilter(change)).matched, 0)
    const removal = { filter: { n: 2 }, setFields: {}, removeFields: ["title"] }
    assert.include(refusalOf(store.updateByFilter(removal)), "'a' must have at least one field")
    assert.strictEqual(ok(store.fetch({ filter: { n: 2 } })).documents.size, 2)
    assert.include(refusalOf(store.updateByFilter({ ...change, filter: {} })), "empty metadata filter")
  })

  it("a delete in a namespace that is not there is 404", () => {
    assertRefused(make().delete({ namespace: "none", ids: ["a"] }), 404, 5, "Namespace not found")
    assert.include(refusalOf(make().delete({ filter: {} })), "Delete with empty metadata filter is not allowed")
  })

  it("reads see a write when it is visible, and say so", () => {
    let now = 0
    const store = make({ visibleAfter: 100, now: () => now })
    const { lsn } = ok(store.upsert(request({ _id: "a", title: "rain" })))
    assert.deepStrictEqual(found(store, text("rain", "title")), [])
    assert.isBelow(store.indexedLsn(""), lsn)
    now = 100
    assert.deepStrictEqual(found(store, text("rain", "title")), ["a"])
    assert.strictEqual(store.indexedLsn(""), lsn)
  })
})

describe("searches", () => {
  const store = make()
  ok(
    store.upsert(
      request(
        {
          _id: "a",
          title: "red shoes",
          body: "for the rain",
          dense: [1, 0],
          sparse: { indices: [1], values: [2] },
          n: 1
        },
        { _id: "b", title: "red red wine", dense: [0, 1], n: 2 },
        { _id: "c", body: "red rain and wine in the rain", sparse: { indices: [1, 2], values: [1, 1] } }
      )
    )
  )
  const one = { type: "dense_vector", fields: ["dense"], values: [1, 2] }
  const sparse = { type: "sparse_vector", fields: ["sparse"], sparseValues: { indices: [1], values: [1] } }

  it.each<[string, Parameters<typeof found>[1], ReadonlyArray<string>]>([
    ["a word that is there twice counts more", text("red", "title"), ["b", "a"]],
    ["a field is searched by itself", text("red", "body"), ["c"]],
    ["several fields add up", text("red rain", "title", "body"), ["c", "a", "b"]],
    ["letters of either case", text("RED", "body"), ["c"]],
    ["no word of the text", text("green", "title"), []],
    ["nothing but punctuation", text("?!", "title"), []],
    ["documents without a vector are not found by one", one, ["b", "a"]],
    ["what shares no position is not found", sparse, ["a", "c"]]
  ])("%s", (_, scoreBy, ids) => {
    assert.deepStrictEqual(found(store, scoreBy), ids)
  })

  it("a field that is named twice counts once", () => {
    const scoresOf = (...fields: ReadonlyArray<string>) =>
      ok(store.search({ topK: 9, scoreBy: [text("red", ...fields)] }))
    assert.deepStrictEqual(scoresOf("body", "body").matches, scoresOf("body").matches)
  })

  it.each([
    { metric: "dotproduct", best: { far: 6, near: 4, other: -2 } },
    { metric: "cosine", best: { near: 1, far: 0.83205, other: -0.70711 } },
    { metric: "euclidean", best: { near: 2, other: 10, far: 16 } }
  ])("the best by $metric come first", ({ best, metric }) => {
    const store = make({ fields: { v: { type: "dense_vector", dimension: 2, metric } } })
    ok(store.upsert(request({ _id: "other", v: [0, -2] }, { _id: "near", v: [2, 2] }, { _id: "far", v: [5, 1] })))
    const scoreBy = [{ type: "dense_vector", fields: ["v"], values: [1, 1] }]
    const { matches } = ok(store.search({ topK: 3, scoreBy }))
    assert.deepStrictEqual(
      matches.map(({ id }) => id),
      Object.keys(best)
    )
    Object.values(best).forEach((score, rank) => assert.approximately(matches[rank]?.score ?? NaN, score, 1e-5))
    const [first] = ok(store.search({ topK: 1, scoreBy })).matches
    assert.strictEqual(first?.id, Object.keys(best)[0])
  })

  it("several methods of text add up", () => {
    const scores = (...scoreBy: Parameters<typeof store.search>[0]["scoreBy"]) =>
      new Map(ok(store.search({ topK: 9, scoreBy })).matches.map(({ id, score }) => [id, score ?? NaN]))
    const title = scores(text("red", "title"))
    const body = scores(text("rain", "body"))
    const both = scores(text("red", "title"), { type: "query_string", query: "body:rain" })
    for (const id of ["a", "b", "c"]) {
      assert.approximately(both.get(id)!, (title.get(id) ?? 0) + (body.get(id) ?? 0), 1e-6)
    }
  })

  it.each<[string, ReadonlyArray<Parameters<typeof found>[1]>, string]>([
    ["nothing", [], "at least one scoring method"],
    ["an unknown type", [{ type: "magic", fields: ["title"] }], "'magic', which is none of"],
    ["a vector beside text", [one, text("red", "title")], "must be on its own"],
    ["two vectors", [one, one], "must be on its own"],
    ["text without fields", [{ type: "text", query: "red" }], "needs fields"],
    ["text in field and fields", [{ ...text("red", "title"), field: "title" }], "not both"],
    ["empty text", [text("  ", "title")], "a query that is not empty"],
    ["no text", [{ type: "text", fields: ["title"] }], "a query that is not empty"],
    ["10 KB of text", [text("x".repeat(10_241), "title")], "at most 10240 bytes, got 10241"],
    ["text in metadata", [text("1", "n")], "'n' is not a field with full-text search"],
    ["text in a vector", [text("1", "dense")], "'dense' is not a field with full-text search"],
    ["a dense vector without values", [{ type: "dense_vector", fields: ["dense"] }], "needs values"],
    ["a dense vector of 3", [{ ...one, values: [1, 2, 3] }], "Vector dimension 3"],
    ["a dense vector in two fields", [{ ...one, fields: ["dense", "sparse"] }], "exactly one field"],
    ["a dense vector in the sparse field", [{ ...one, fields: ["sparse"] }], "not a dense_vector field"],
    ["a sparse vector without values", [{ type: "sparse_vector", fields: ["sparse"] }], "needs sparse_values"],
    [
      "a query string with fields",
      [{ type: "query_string", query: "red", fields: ["title"] }],
      "neither field nor fields"
    ]
  ])("refuse %s", (_, scoreBy, why) => {
    assert.include(refusalOf(store.search({ topK: 1, scoreBy })), why)
  })

  it("refuse a topK of 0 and of 10,001, and a reply over its limit", () => {
    assert.include(refusalOf(store.search({ topK: 0, scoreBy: [one] })), "top_k must be a whole number from 1 to 10000")
    assert.include(refusalOf(store.search({ topK: 10_001, scoreBy: [one] })), "got 10001")
    const small = make({ limits: { maxReplyBytes: 50 } })
    ok(small.upsert(request({ _id: "a", title: "word ".repeat(20) })))
    const search = { topK: 1, scoreBy: [text("word", "title")] }
    assert.strictEqual(ok(small.search(search)).matches.length, 1)
    assert.include(refusalOf(small.search({ ...search, includeFields: ["*"] })), "the limit is: 50 bytes")
    assert.include(refusalOf(small.fetch({ ids: ["a"] })), "the limit is: 50 bytes")
  })

  it("a score that is no number is null and comes last", () => {
    const store = make()
    ok(store.upsert(request({ _id: "huge", dense: [3e38, 3e38] }, { _id: "small", dense: [1, 1] })))
    const { matches } = ok(store.search({ topK: 2, scoreBy: [{ ...one, values: [3, 3] }] }))
    assert.deepStrictEqual(
      matches.map(({ id, score }) => [id, score]),
      [
        ["small", 6],
        ["huge", null]
      ]
    )
  })
})

describe("filters of documents", () => {
  const store = make()
  ok(
    store.upsert(
      request(
        { _id: "a", title: "the red shoes", n: 1, tags: ["x"] },
        { _id: "b", title: "shoes in red", dense: [1, 1], n: 2 },
        { _id: "c", body: "red", sparse: { indices: [1], values: [1] } }
      )
    )
  )
  it.each<[unknown, ReadonlyArray<string>]>([
    [{ n: 1 }, ["a"]],
    [{ tags: { $in: ["x", "y"] } }, ["a"]],
    [{ undeclared: 1 }, []],
    [{ undeclared: { $ne: 1 } }, ["a", "b", "c"]],
    [{ title: { $match_phrase: "Red Shoes" } }, ["a"]],
    [{ title: { $match_all: "shoes red" } }, ["a", "b"]],
    [{ title: { $match_all: "shoes red green" } }, []],
    [{ title: { $match_any: "green the" } }, ["a"]],
    [{ title: { $match_any: "?" } }, []],
    [{ $or: [{ body: { $match_any: "red" } }, { n: { $gt: 1 } }] }, ["b", "c"]],
    [{ $not: { title: { $match_any: "red" } } }, ["c"]],
    [{ title: { $match_any: "red", $exists: true } }, ["a", "b"]],
    [{ title: { $exists: false } }, ["c"]],
    [{ dense: { $exists: true } }, ["b"]],
    [{ sparse: { $exists: false } }, ["a", "b"]]
  ])("%j", (filter, ids) => {
    assert.deepStrictEqual([...ok(store.fetch({ filter })).documents.keys()], ids)
  })

  it.each<[unknown, string]>([
    [{ title: "red" }, "$eq on field 'title' is not supported"],
    [{ title: { $in: ["red"] } }, "full-text search has $match_phrase"],
    [{ dense: { $eq: 1 } }, "vectors cannot be filtered by"],
    [{ n: { $match_any: "1" } }, "needs a field with full-text search, which 'n' is not"],
    [{ title: { $match_any: 1 } }, "needs a string, got 1"],
    [{ dense: { $exists: 1 } }, "needs true or false"],
    [{ n: { $like: "x" } }, "$like is not a valid operator"],
    [{}, "Fetch with empty metadata filter"]
  ])("%j is refused", (filter, why) => {
    assert.include(refusalOf(store.fetch({ filter })), why)
  })

  it("updates and deletes take no text operators", () => {
    const filter = { title: { $match_any: "red" } }
    assert.include(refusalOf(store.delete({ filter })), "$match_any is not supported here")
    assert.include(
      refusalOf(store.updateByFilter({ filter, setFields: { n: 5 }, removeFields: [] })),
      "$match_any is not supported here"
    )
  })

  it("a token of a page belongs to its filter", () => {
    const { next } = ok(store.fetch({ filter: { n: { $exists: true } }, limit: 1 }))
    assert.isString(next)
    const page = { limit: 1, paginationToken: next }
    assert.strictEqual(ok(store.fetch({ ...page, filter: { n: { $exists: true } } })).documents.has("b"), true)
    assert.include(refusalOf(store.fetch({ ...page, filter: { n: 2 } })), "Invalid pagination token")
    assert.include(
      refusalOf(store.fetch({ ids: ["a"], limit: 10_001 })),
      "limit must be a whole number from 1 to 10000"
    )
  })
})

describe("text", () => {
  const titled = (settings: object, title: string) => {
    const store = make({ fields: { ...articles, title: { type: "string", full_text_search: settings } } })
    ok(store.upsert(request({ _id: "a", title })))
    return (query: string) => found(store, text(query, "title")).length > 0
  }

  it("without settings is words", () => {
    const finds = titled({}, "Running in Zürich, 2024-05; naïve e\u0301te\u0301")
    for (const word of ["running", "ZÜRICH", "2024", "05", "naïve", "e\u0301te\u0301"]) assert.isTrue(finds(word), word)
    for (const word of ["run", "zurich", "2"]) assert.isFalse(finds(word), word)
  })

  it("that is stemmed has no endings, and no stop words if they are left out", () => {
    assert.isTrue(titled({ stemming: true }, "running shoes")("shoe runs"))
    assert.isTrue(titled({ stemming: true }, "to be")("be"))
    assert.isFalse(titled({ stemming: true, stop_words: true }, "to be")("be"))
  })

  it("of n-grams is found by its parts", () => {
    const parts = titled({ ngram: { min_gram: 2, max_gram: 3 } }, "raincoat")
    assert.isTrue(parts("coa"))
    assert.isFalse(parts("xyz"))
    const beginnings = titled({ ngram: { min_gram: 2, max_gram: 5, prefix_only: true } }, "raincoat")
    assert.isTrue(beginnings("rainy"))
    assert.isFalse(beginnings("coat"))
  })
})
