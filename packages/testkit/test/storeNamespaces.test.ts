import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { make, ok, assertRefused } from "./storeSupport.ts"

const record = { id: "a", values: [1, 2] }

describe("createNamespace", () => {
  it("makes an empty namespace that is listed, described and written to", () => {
    const store = make()
    const schema = { fields: { year: { filterable: true }, genre: { filterable: true } } }
    assert.deepStrictEqual(ok(store.createNamespace({ name: "films", schema })), { name: "films", records: 0, schema })
    assert.deepStrictEqual(ok(store.createNamespace({ name: "plain" })), { name: "plain", records: 0 })
    assert.deepStrictEqual(ok(store.namespaces({})).namespaces, [
      { name: "films", records: 0 },
      { name: "plain", records: 0 }
    ])
    ok(store.upsert({ namespace: "films", records: [record] }))
    assert.deepStrictEqual(ok(store.describeNamespace("films")), { name: "films", records: 1, schema })
    assert.strictEqual(ok(store.query({ namespace: "films", vector: [1, 0], topK: 1 })).matches.length, 1)
  })

  it("one that exists is a conflict, also when an upsert made it, and keeps its records", () => {
    const store = make()
    ok(store.upsert({ records: [record] }))
    for (const name of ["", "__default__"])
      assertRefused(store.createNamespace({ name }), 409, 6, "Resource already exists.")
    assert.strictEqual(store.stats().totalRecords, 1)
    ok(store.deleteNamespace(""))
    assert.deepStrictEqual(ok(store.createNamespace({ name: "__default__" })), { name: "__default__", records: 0 })
  })

  it("a delete in it finds it, which one that is not there does not", () => {
    const store = make()
    ok(store.createNamespace({ name: "n" }))
    assert.strictEqual(ok(store.delete({ namespace: "n", ids: ["a"] })).lsn, 2)
    assertRefused(store.delete({ namespace: "m", ids: ["a"] }), 404, 5, "Namespace not found")
  })

  it("the schema goes with the namespace", () => {
    const store = make()
    ok(store.createNamespace({ name: "n", schema: { fields: { a: { filterable: true } } } }))
    ok(store.delete({ namespace: "n", all: true }))
    assert.property(ok(store.describeNamespace("n")), "schema")
    ok(store.deleteNamespace("n"))
    ok(store.upsert({ namespace: "n", records: [record] }))
    assert.notProperty(ok(store.describeNamespace("n")), "schema")
  })

  it("bad names and schemas are refused: not ASCII, over 512 characters, over 50 fields, a field not filterable", () => {
    const store = make()
    const fields = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, { filterable: true }]))
    const create = (schema: Parameters<typeof store.createNamespace>[0]["schema"]) =>
      store.createNamespace({ name: "n", schema })
    assertRefused(store.createNamespace({ name: "caf\u00e9" }), 400, 3, "Namespace must be ASCII")
    assertRefused(store.createNamespace({ name: "n".repeat(513) }), 400, 3, "Namespace length")
    assertRefused(create({ fields: fields(51) }), 400, 3, "from 0 to 50, got 51")
    assertRefused(create({ fields: { a: { filterable: false } } }), 400, 3, "Schema field 'a' must be filterable")
    assert.isTrue(Result.isSuccess(create({ fields: fields(50) })))
  })

  it("a namespace too many is refused, whether created or written to", () => {
    const store = make({ limits: { maxNamespaces: 2 } })
    ok(store.createNamespace({ name: "one" }))
    ok(store.upsert({ namespace: "two", records: [record] }))
    const text = "Request failed. You've reached the max namespaces allowed in serverless index"
    assertRefused(store.createNamespace({ name: "three" }), 403, 7, text)
    assertRefused(store.upsert({ namespace: "three", records: [record] }), 403, 7, text)
    ok(store.upsert({ namespace: "one", records: [record] }))
    ok(store.deleteNamespace("two"))
    ok(store.upsert({ namespace: "three", records: [record] }))
    assert.deepStrictEqual(Array.from(store.stats().namespaces.keys()), ["one", "three"])
  })

  it("in an index without a dimension, the first vector still decides it", () => {
    const store = make({ dimension: undefined })
    ok(store.createNamespace({ name: "n" }))
    assert.deepStrictEqual(ok(store.query({ namespace: "n", vector: [1, 2, 3], topK: 1 })).matches, [])
    ok(store.upsert({ namespace: "n", records: [record] }))
    assertRefused(store.query({ namespace: "n", vector: [1, 2, 3], topK: 1 }), 400, 3, "Vector dimension 3")
  })
})

describe("describeNamespace", () => {
  it("a namespace that is not there is not found", () => {
    const refusal = assertRefused(make().describeNamespace("nowhere"), 404, 5, "Namespace not found")
    assert.deepInclude(refusal, { _tag: "NotFound", resource: "namespace", called: "nowhere" })
  })

  it("no name is the default namespace", () => {
    const store = make()
    ok(store.upsert({ records: [record] }))
    assert.deepStrictEqual(ok(store.describeNamespace("")), { name: "__default__", records: 1 })
  })
})
