import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Schema from "effect/Schema"
import { apply } from "../src/internal/commit.ts"
import { NamespaceRecords } from "../src/internal/namespaceRecords.ts"
import * as ReadUnits from "../src/internal/readUnits.ts"
import { recordSize } from "../src/internal/wireSize.ts"
import { assertRefused, make, ok, run, Step } from "./storeSupport.ts"

/** Records `r00`, `r01`, ...; `n` is the number modulo 3. */
const seed = (count: number, options?: Parameters<typeof make>[0]) => {
  const store = make(options)
  const record = (n: number) => ({
    id: `r${String(n).padStart(2, "0")}`,
    values: [n + 1, 1],
    metadata: { n: n % 3, kept: "yes" }
  })
  // not in the order of the ids
  ok(store.upsert({ records: Arr.reverse(Arr.map(Arr.range(0, count - 1), record)) }))
  return store
}

describe("updateByFilter", () => {
  it("merges metadata into the records that match, and leaves the others and the vectors", () => {
    const store = seed(4)
    const { lsn, matched } = ok(store.updateByFilter({ filter: { n: 0 }, metadata: { n: 7, tags: ["x"] } }))
    assert.deepStrictEqual([matched, lsn, store.indexedLsn("")], [2, 2, 2])
    const { records } = ok(store.fetch({ ids: ["r00", "r01", "r03"] }))
    assert.deepStrictEqual(Array.from(records.values()), [
      { id: "r00", values: Float32Array.of(1, 1), metadata: { n: 7, kept: "yes", tags: ["x"] } },
      { id: "r01", values: Float32Array.of(2, 1), metadata: { n: 1, kept: "yes" } },
      { id: "r03", values: Float32Array.of(4, 1), metadata: { n: 7, kept: "yes", tags: ["x"] } }
    ])
  })

  it("a dry run counts and changes nothing", () => {
    const store = seed(4)
    assert.deepStrictEqual(ok(store.updateByFilter({ filter: { n: 0 }, metadata: { n: 7 }, dryRun: true })), {
      matched: 2
    })
    assert.strictEqual(ok(store.updateByFilter({ filter: { n: 7 }, metadata: { n: 0 }, dryRun: true })).matched, 0)
  })

  it("over the limit the first ids are updated, all matches counted, and repeating reaches the rest", () => {
    const store = seed(30, { limits: { maxUpdateByFilter: 4 } })
    const update = () => ok(store.updateByFilter({ filter: { n: 0 }, metadata: { n: 5 } })).matched
    assert.strictEqual(update(), 10)
    const done = Array.from(ok(store.fetchByMetadata({ filter: { n: 5 } })).records.keys())
    assert.deepStrictEqual(done, ["r00", "r03", "r06", "r09"])
    assert.deepStrictEqual([update(), update(), update()], [6, 2, 0])
  })

  it("the limit is 100,000 records by default", () => {
    const store = make({ dimension: 1 })
    for (let block = 0; block < 101; block++) {
      const record = (n: number) => ({ id: String(1_000 * block + n), values: [1], metadata: { a: 1 } })
      ok(store.upsert({ records: Arr.map(Arr.range(0, 999), record) }))
    }
    assert.strictEqual(ok(store.updateByFilter({ filter: { a: 1 }, metadata: { a: 2 } })).matched, 101_000)
    assert.strictEqual(ok(store.updateByFilter({ filter: { a: 1 }, metadata: {}, dryRun: true })).matched, 1_000)
  })

  it("nothing matches in a namespace that is not there, and none is made", () => {
    const store = seed(1)
    assert.strictEqual(ok(store.updateByFilter({ namespace: "no", filter: { n: 0 }, metadata: { a: 1 } })).matched, 0)
    assert.deepStrictEqual(Array.from(store.stats().namespaces.keys()), ["__default__"])
  })

  it("is refused whole: empty filter, bad filter, bad metadata, metadata too large once merged in one record", () => {
    const store = seed(3)
    ok(store.update({ id: "r02", metadata: { long: "x".repeat(40_000) } }))
    const update = (filter: unknown, metadata: string) =>
      store.updateByFilter({ filter, metadata: JSON.parse(metadata) })
    assertRefused(update({}, `{"a":1}`), 400, 3, "Update with empty metadata filter is not allowed")
    assertRefused(update({ n: { $near: 1 } }, `{"a":1}`), 400, 3, "$near is not a valid operator")
    assertRefused(update({ n: 9 }, `{"a":{"b":1}}`), 400, 3, "Metadata value must be")
    assertRefused(update({ kept: "yes" }, JSON.stringify({ more: "x".repeat(1_000) })), 400, 3, "Metadata size is")
    assert.strictEqual(ok(store.updateByFilter({ filter: { more: { $exists: true } }, metadata: {} })).matched, 0)
  })
})

describe("fetchByMetadata", () => {
  it("pages through the records that match in the order of their ids, each once", () => {
    const store = seed(20)
    const walk: Array<ReadonlyArray<string>> = []
    let token: string | undefined
    do {
      const page = ok(store.fetchByMetadata({ filter: { n: 1 }, limit: 3, paginationToken: token }))
      walk.push(Array.from(page.records.keys()))
      token = page.next
    } while (token !== undefined)
    assert.deepStrictEqual(walk, [["r01", "r04", "r07"], ["r10", "r13", "r16"], ["r19"]])
  })

  it("gives whole records", () => {
    const { records } = ok(seed(2).fetchByMetadata({ filter: { n: 1 } }))
    assert.deepStrictEqual(
      records,
      new Map([["r01", { id: "r01", values: Float32Array.of(2, 1), metadata: { n: 1, kept: "yes" } }]])
    )
  })

  it("a page is 100 records by default and 10,000 at most", () => {
    const store = seed(101)
    const page = ok(store.fetchByMetadata({ filter: { kept: "yes" } }))
    assert.strictEqual(page.records.size, 100)
    assert.isDefined(page.next)
    const all = ok(store.fetchByMetadata({ filter: { kept: "yes" }, limit: 10_000 }))
    assert.deepStrictEqual([all.records.size, all.next], [101, undefined])
    assertRefused(
      store.fetchByMetadata({ filter: { kept: "yes" }, limit: 10_001 }),
      400,
      3,
      "from 1 to 10000, got 10001"
    )
    assertRefused(store.fetchByMetadata({ filter: { kept: "yes" }, limit: 0 }), 400, 3, "limit must be")
  })

  it("a token serves its own namespace and filter only", () => {
    const store = seed(9)
    ok(store.upsert({ namespace: "ns", records: [{ id: "a", values: [1, 1], metadata: { n: 1 } }] }))
    const paginationToken = ok(store.fetchByMetadata({ filter: { n: 1 }, limit: 1 })).next
    const listed = ok(store.list({ limit: 1 })).next
    for (const request of [
      { filter: { n: 2 }, paginationToken },
      { namespace: "ns", filter: { n: 1 }, paginationToken },
      { filter: { n: 1 }, paginationToken: listed },
      { filter: { n: 1 }, paginationToken: "%" }
    ]) {
      assertRefused(store.fetchByMetadata(request), 400, 3, "Invalid pagination token")
    }
    assertRefused(store.list({ paginationToken }), 400, 3, "Invalid pagination token")
    assert.deepStrictEqual(
      Array.from(ok(store.fetchByMetadata({ filter: { n: 1 }, limit: 1, paginationToken })).records.keys()),
      ["r04"]
    )
  })

  it("an empty filter is refused, a namespace that is not there is empty", () => {
    const store = seed(1)
    assertRefused(store.fetchByMetadata({ filter: {} }), 400, 3, "Fetch with empty metadata filter is not allowed")
    const page = ok(store.fetchByMetadata({ namespace: "no", filter: { n: 0 } }))
    assert.deepStrictEqual(page, { records: new Map(), next: undefined, readUnits: 1 })
  })

  it("a page over the bytes of a reply is refused", () => {
    const store = seed(20, { limits: { maxReplyBytes: 300 } })
    const refusal = assertRefused(
      store.fetchByMetadata({ filter: { kept: "yes" } }),
      400,
      3,
      "message length too large"
    )
    assert.strictEqual(refusal._tag, "RequestTooLarge")
    assert.strictEqual(ok(store.fetchByMetadata({ filter: { kept: "yes" }, limit: 2 })).records.size, 2)
  })
})

describe("read units", () => {
  it("a fetch costs one for every ten records found, at least one", () => {
    const store = seed(30)
    const ids = Arr.map(Arr.range(0, 20), (n) => `r${String(n).padStart(2, "0")}`)
    assert.strictEqual(ok(store.fetch({ ids })).readUnits, 3)
    assert.strictEqual(ok(store.fetch({ ids: ["r00", "gone"] })).readUnits, 1)
    assert.strictEqual(ok(store.fetch({ ids: ["gone"] })).readUnits, 1)
    assert.strictEqual(ok(store.fetchByMetadata({ filter: { kept: "yes" }, limit: 20 })).readUnits, 2)
  })

  it("a query costs a quarter at least, also where nothing is; a list costs one", () => {
    const store = seed(1)
    assert.strictEqual(ok(store.query({ vector: [1, 1], topK: 1 })).readUnits, 0.25)
    assert.strictEqual(ok(store.query({ namespace: "no", vector: [1, 1], topK: 1 })).readUnits, 0.25)
    assert.strictEqual(ok(store.query({ id: "gone", topK: 1 })).readUnits, 0.25)
    assert.strictEqual(ok(store.list({})).readUnits, 1)
    assert.strictEqual(ReadUnits.ofQuery(249_000_000), 0.25)
    assert.strictEqual(ReadUnits.ofQuery(1_500_000_000), 1.5)
  })

  it.prop(
    "the bytes of a namespace are those of its records, whatever was written",
    { steps: Schema.Array(Step) },
    ({ steps }) => {
      const namespaces = new Map<string, NamespaceRecords>()
      const empty = () => new NamespaceRecords({ isSparse: false, metric: "dotproduct" })
      const store = make({ onCommit: (commit) => apply(namespaces, commit, empty) })
      for (const step of steps) run(store, step)
      for (const [namespace, stored] of namespaces) {
        const { ids } = ok(store.list({ namespace }))
        const sizes = ids.map((id) => recordSize(stored.get(id)!))
        assert.strictEqual(
          stored.bytes,
          sizes.reduce((sum, size) => sum + size, 0)
        )
      }
    },
    { arbitrary: { runs: 200, size: 40 } }
  )
})
