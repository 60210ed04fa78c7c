import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Commit } from "../src/internal/commit.ts"
import { content, make, ok, records, assertRefused, run, Step } from "./storeSupport.ts"

const a = { id: "a", values: [1, 2] }

describe("late visibility", () => {
  const late = (visibleAfter: number) => {
    const clock = { now: 1_000 }
    return { clock, store: make({ visibleAfter, now: () => clock.now }) }
  }

  it("a write is answered at once and read after the delay, not a millisecond sooner", () => {
    const { clock, store } = late(50)
    const { lsn } = ok(store.upsert({ records: [a] }))
    assert.strictEqual(lsn, 1)
    const seen = () => [
      ok(store.query({ vector: [1, 1], topK: 1 })).matches.length,
      ok(store.fetch({ ids: ["a"] })).records.size,
      ok(store.list({})).ids.length,
      store.stats().totalRecords,
      store.indexedLsn("")
    ]
    clock.now += 49
    assert.deepStrictEqual(seen(), [0, 0, 0, 0, 0])
    clock.now += 1
    assert.deepStrictEqual(seen(), [1, 1, 1, 1, 1])
  })

  it("writes are checked against what was written, seen or not", () => {
    const { store } = late(50)
    ok(store.upsert({ namespace: "n", records: [{ ...a, metadata: { x: "x".repeat(40_000) } }] }))
    assertRefused(store.createNamespace({ name: "n" }), 409, 6, "already exists")
    assertRefused(
      store.update({ namespace: "n", id: "a", metadata: { y: "y".repeat(1_000) } }),
      400,
      3,
      "Metadata size is"
    )
    assert.strictEqual(
      ok(store.updateByFilter({ namespace: "n", filter: { x: { $exists: true } }, metadata: {} })).matched,
      1
    )
    ok(store.delete({ namespace: "n", ids: ["a"] }))
    ok(store.deleteNamespace("n"))
    assertRefused(store.delete({ namespace: "n", ids: ["a"] }), 404, 5, "Namespace not found")
  })

  it("a namespace is there at once, its records are counted when they are seen", () => {
    const { clock, store } = late(50)
    ok(store.upsert({ namespace: "n", records: [a] }))
    assert.deepStrictEqual(ok(store.describeNamespace("n")), { name: "n", records: 0 })
    assert.deepStrictEqual(ok(store.namespaces({})).namespaces, [{ name: "n", records: 0 }])
    clock.now += 50
    assert.deepStrictEqual(ok(store.describeNamespace("n")), { name: "n", records: 1 })
  })

  it("a delete and the upsert after it are seen in their order", () => {
    const { clock, store } = late(10)
    ok(store.upsert({ records: [a] }))
    clock.now += 4
    ok(store.delete({ ids: ["a"] }))
    clock.now += 4
    ok(store.upsert({ records: [{ ...a, metadata: { again: true } }] }))
    const seen = () => {
      const found = ok(store.fetch({ ids: ["a"] })).records.get("a")
      return [store.indexedLsn(""), found === undefined ? "none" : (found.metadata ?? "first")]
    }
    const seenAt = [0, 2, 4, 4].map((passed) => {
      clock.now += passed
      return seen()
    })
    assert.deepStrictEqual(seenAt, [
      [0, "none"],
      [1, "first"],
      [2, "none"],
      [3, { again: true }]
    ])
  })

  it("vectors that change in the caller's hands after the write stay as they were written", () => {
    const { clock, store } = late(10)
    const values = [1, 2]
    const changed = [3, 4]
    ok(
      store.upsert({
        records: [
          { id: "a", values },
          { id: "b", values }
        ]
      })
    )
    ok(store.update({ id: "b", values: changed }))
    values.fill(9)
    changed.fill(9)
    clock.now += 10
    assert.deepStrictEqual(
      Array.from(ok(store.fetch({ ids: ["a", "b"] })).records.values(), (record) => record.values),
      [Float32Array.of(1, 2), Float32Array.of(3, 4)]
    )
  })

  it.prop(
    "reads see just what a store without delay held when the newest visible write was answered",
    { steps: Schema.Array(Schema.Tuple([Step, Schema.Literals([0, 1, 3, 20])])) },
    ({ steps }) => {
      const delay = 5
      const { clock, store } = late(delay)
      const prompt = make()
      const past = [{ at: 0, seen: records(prompt), lsn: 0 }]
      for (const [step, passed] of steps) {
        // every answer of a write is the same
        assert.deepStrictEqual(Result.isSuccess(run(store, step)), Result.isSuccess(run(prompt, step)))
        past.push({ at: clock.now, seen: records(prompt), lsn: prompt.indexedLsn("") })
        clock.now += passed
        const visible = past.findLast(({ at }) => at + delay <= clock.now)!
        assert.deepStrictEqual(records(store), visible.seen)
        assert.strictEqual(store.indexedLsn(""), visible.lsn)
      }
    },
    { arbitrary: { runs: 200, size: 40 } }
  )
})

describe("commits", () => {
  it("are told before they are applied, and one that cannot be kept is not applied", () => {
    const kept: Array<Commit> = []
    let isFull = false
    const store = make({
      onCommit: (commit) => {
        if (isFull) throw new RangeError("disk full")
        assert.strictEqual(store.indexedLsn(""), commit.lsn - 1)
        kept.push(commit)
      }
    })
    ok(store.upsert({ records: [a] }))
    const before = content(store)
    isFull = true
    assert.throws(() => store.upsert({ records: [{ id: "b", values: [1, 1] }] }), "disk full")
    assert.throws(() => store.delete({ all: true }), "disk full")
    assert.deepStrictEqual(content(store), before)
    isFull = false
    assert.strictEqual(ok(store.delete({ all: true })).lsn, 2)
    assert.deepStrictEqual(
      kept.map((commit) => [commit.lsn, commit.namespace, commit.change._tag]),
      [
        [1, "__default__", "Put"],
        [2, "__default__", "Clear"]
      ]
    )
  })

  it("nothing is told of a write that is refused, nor of reads and dry runs", () => {
    const store = make({ onCommit: () => assert.fail("told") })
    assertRefused(store.upsert({ records: [{ id: "a", values: [1] }] }), 400, 3, "dimension")
    ok(store.updateByFilter({ filter: { a: 1 }, metadata: {}, dryRun: true }))
    records(store)
  })

  it.prop(
    "as a history they make an equal store, which counts on",
    { steps: Schema.Array(Step), isLate: Schema.Boolean },
    ({ isLate, steps }) => {
      const history: Array<Commit> = []
      const store = make({ onCommit: (commit) => history.push(structuredClone(commit)) })
      for (const step of steps) run(store, step)
      const again = make({ history, ...(isLate ? { visibleAfter: 10 } : {}) })
      assert.deepStrictEqual(content(again), content(store))
      assert.strictEqual(ok(again.upsert({ records: [a] })).lsn, ok(store.upsert({ records: [a] })).lsn)
    },
    { arbitrary: { runs: 200, size: 40 } }
  )

  it("a history settles the dimension of an index that has none", () => {
    const history: Array<Commit> = []
    ok(make({ dimension: undefined, onCommit: (commit) => history.push(commit) }).upsert({ records: [a] }))
    const again = make({ dimension: undefined, history })
    assert.strictEqual(again.stats().dimension, 2)
    assertRefused(again.upsert({ records: [{ id: "b", values: [1] }] }), 400, 3, "dimension of the index 2")
  })
})
