import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as http from "node:http"
import { raw, version } from "./emulatorRaw.ts"
import { json } from "./rawHttp.ts"

const dense = { dimension: 2 }

const classic = {
  name: "made",
  dimension: 3,
  metric: "euclidean",
  spec: { serverless: { cloud: "gcp", region: "r1" } }
}

const schemaBased = {
  name: "made",
  deployment: { deployment_type: "managed", cloud: "gcp", region: "r1" },
  schema: { fields: { _values: { type: "dense_vector", dimension: 3, metric: "euclidean" } } }
}

describe("the gateway", () => {
  it.effect("answers in plain text without a key", () =>
    Effect.gen(function* () {
      const { data, send } = yield* raw(dense)
      for (const answer of [
        yield* send("GET", "/indexes", undefined, { "api-key": "" }),
        yield* data("POST", "/query", {}, { "api-key": "" })
      ]) {
        assert.strictEqual(answer.status, 401)
        assert.include(answer.headers.get("content-type"), "text/plain")
        assert.isNotEmpty(answer.headers.get("x-pinecone-auth-rejected-reason"))
        assert.strictEqual(answer.text, "Invalid API key.")
      }
    })
  )

  it.effect("lets in only the keys it is given, if any are", () =>
    Effect.gen(function* () {
      const { send } = yield* raw(dense, { apiKeys: ["one", "two"] })
      assert.strictEqual((yield* send("GET", "/indexes")).status, 401)
      assert.strictEqual((yield* send("GET", "/indexes", undefined, { "api-key": "two" })).status, 200)
    })
  )

  it.effect("gives every request an id of its own", () =>
    Effect.gen(function* () {
      const { send } = yield* raw(dense)
      const ids = [yield* send("GET", "/indexes"), yield* send("GET", "/nowhere")].map(({ headers }) =>
        headers.get("x-pinecone-request-id")
      )
      assert.strictEqual(new Set(ids).size, 2)
      assert.notInclude(ids, null)
    })
  )
})

describe("bodies", () => {
  it.effect("that are not UTF-8 are refused, and nothing is stored", () =>
    Effect.gen(function* () {
      const { data, emulator } = yield* raw(dense)
      const [before, after] = [`{"vectors":[{"id":"a","values":[1,2],"metadata":{"t":"`, `"}}]}`]
      const upsert = (text: ReadonlyArray<number>) =>
        Effect.promise(async () => {
          const response = await fetch(`${emulator.url}/i/demo/vectors/upsert`, {
            method: "POST",
            headers: { "api-key": "k", "content-type": "application/json" },
            body: Buffer.concat([Buffer.from(before), Buffer.from(text), Buffer.from(after)])
          })
          await response.text()
          return response.status
        })
      assert.strictEqual(yield* upsert([0xff]), 400)
      assert.strictEqual(yield* upsert([0xc3]), 400)
      assert.deepInclude(json(yield* data("POST", "/describe_index_stats", {})), { totalVectorCount: 0 })
      assert.strictEqual(yield* upsert([0xc3, 0xa5]), 200)
    })
  )
})

const decodeModel = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.StructWithRest(Schema.Struct({ host: Schema.String }), [Schema.Record(Schema.String, Schema.Unknown)])
  )
)

describe("indexes", () => {
  it.effect("take both bodies and are told in the shape of the version", () =>
    Effect.gen(function* () {
      const { send } = yield* raw(dense)
      const shared = {
        name: "made",
        status: { ready: true, state: "Ready" },
        deletion_protection: "disabled",
        tags: null
      }
      const old = {
        ...shared,
        dimension: 3,
        metric: "euclidean",
        spec: { serverless: { cloud: "gcp", region: "r1" } },
        vector_type: "dense"
      }
      const recent = {
        ...shared,
        deployment: { deployment_type: "managed", cloud: "gcp", region: "r1", environment: "emulator" },
        read_capacity: { mode: "OnDemand", status: { state: "Ready" } },
        schema: {
          fields: {
            _values: { type: "dense_vector", dimension: 3, metric: "euclidean" },
            _sparse_values: { type: "sparse_vector" }
          }
        }
      }
      for (const [api, model] of [
        ["2025-01", old],
        ["2026-04", old],
        ["2026-01.alpha", recent],
        ["2026-07", recent]
      ] as const) {
        for (const body of [classic, schemaBased]) {
          const created = yield* send("POST", "/indexes", body, version(api))
          assert.strictEqual(created.status, 201)
          const { host, ...told } = decodeModel(created.text)
          assert.match(host, /^http:\/\/127\.0\.0\.1:\d+$/)
          assert.deepStrictEqual(told, model)
          const described = yield* send("GET", "/indexes/made", undefined, version(api))
          assert.strictEqual(described.status, 200)
          assert.deepStrictEqual(json(described), { host, ...model })
          const deleted = yield* send("DELETE", "/indexes/made", undefined, version(api))
          assert.deepStrictEqual([deleted.status, deleted.text], [202, ""])
        }
      }
    })
  )

  it.effect("may be sparse, in both shapes", () =>
    Effect.gen(function* () {
      const { send } = yield* raw(dense)
      const bodies = [
        { name: "s1", vector_type: "sparse", spec: classic.spec },
        { name: "s2", schema: { fields: { _sparse_values: { type: "sparse_vector" } } } }
      ]
      for (const body of bodies) {
        const old = yield* send("POST", "/indexes", body, version("2025-10"))
        assert.strictEqual(old.status, 201)
        assert.deepInclude(json(old), { vector_type: "sparse", metric: "dotproduct" })
        assert.notProperty(json(old), "dimension")
        const recent = yield* send("GET", `/indexes/${body.name}`, undefined, version("2026-07"))
        assert.deepInclude(json(recent), { schema: { fields: { _sparse_values: { type: "sparse_vector" } } } })
      }
    })
  )

  it.effect("are listed in the order they were made", () =>
    Effect.gen(function* () {
      const { send } = yield* raw(dense)
      yield* send("POST", "/indexes", { ...classic, name: "a" })
      const listed = yield* send("GET", "/indexes")
      assert.strictEqual(listed.status, 200)
      assert.deepStrictEqual(
        [...listed.text.matchAll(/"name":"(.*?)"/g)].map(([, name]) => name),
        ["demo", "a"]
      )
    })
  )

  const impossible: ReadonlyArray<readonly [body: unknown, part: string]> = [
    [{ ...classic, name: "Up" }, "alphanumeric character"],
    [{ ...classic, name: "-a" }, "alphanumeric character"],
    [{ ...classic, name: "a".repeat(46) }, "1 to 45 characters"],
    [{ ...classic, name: 7 }, "name"],
    [{ ...classic, dimension: 0 }, "1 to 20000"],
    [{ ...classic, dimension: 20_001 }, "1 to 20000"],
    [{ ...classic, dimension: 1.5 }, "1 to 20000"],
    [{ ...classic, dimension: undefined }, "needs a dimension"],
    [{ ...classic, vector_type: "sparse" }, "no dimension"],
    [{ ...classic, vector_type: "sparse", dimension: undefined }, "metric dotproduct"],
    [{ ...classic, metric: "manhattan" }, "metric"],
    [{ ...classic, spec: { pod: { environment: "e", pod_type: "p1" } } }, "serverless"],
    [{ ...classic, spec: { serverless: { cloud: 7, region: "r" } } }, "cloud"],
    [{ ...classic, tags: { k: "v".repeat(121) } }, "120"],
    [{ ...schemaBased, schema: { fields: { title: { type: "string" } } } }, "string without full_text_search"],
    [[], "object"],
    [null, "object"]
  ]
  it.effect.each(impossible)("refuse %j", ([body, part]) =>
    Effect.gen(function* () {
      const { send } = yield* raw(dense)
      const answer = yield* send("POST", "/indexes", body)
      assert.strictEqual(answer.status, 400)
      assert.deepInclude(json(answer), { status: 400 })
      assert.nestedPropertyVal(json(answer), "error.code", "INVALID_ARGUMENT")
      assert.include(answer.text, part)
    })
  )

  it.effect("are in a cloud that is there", () =>
    Effect.gen(function* () {
      const { send } = yield* raw(dense)
      const place = { cloud: "mars", region: "x" }
      for (const body of [
        { ...classic, spec: { serverless: place } },
        { ...schemaBased, deployment: { deployment_type: "managed", ...place } }
      ]) {
        const answer = yield* send("POST", "/indexes", body)
        assert.deepStrictEqual(
          [answer.status, answer.text],
          [404, `{"error":{"code":"NOT_FOUND","message":"Resource cloud: mars region: x not found."},"status":404}`]
        )
      }
    })
  )

  it.effect("are unique, and missing ones are not found", () =>
    Effect.gen(function* () {
      const { send } = yield* raw(dense)
      const again = yield* send("POST", "/indexes", { ...classic, name: "demo" })
      assert.deepStrictEqual(
        [again.status, again.text],
        [409, `{"error":{"code":"ALREADY_EXISTS","message":"Resource already exists."},"status":409}`]
      )
      for (const method of ["GET", "PATCH", "DELETE"]) {
        const answer = yield* send(method, "/indexes/nope", method === "PATCH" ? {} : undefined)
        assert.strictEqual(answer.status, 404)
        assert.nestedPropertyVal(json(answer), "error.code", "NOT_FOUND")
      }
      const constructor = yield* send("GET", "/indexes/constructor")
      assert.strictEqual(constructor.status, 404)
    })
  )

  it.effect("are configured, and protected from deletion", () =>
    Effect.gen(function* () {
      const { data, send } = yield* raw(dense)
      const tagged = yield* send("PATCH", "/indexes/demo", { tags: { a: "1", b: "2" }, deletion_protection: "enabled" })
      assert.strictEqual(tagged.status, 202)
      assert.deepInclude(json(tagged), { tags: { a: "1", b: "2" }, deletion_protection: "enabled" })
      const fewer = yield* send("PATCH", "/indexes/demo", { tags: { a: "", c: "3" } })
      assert.deepInclude(json(fewer), { tags: { b: "2", c: "3" }, deletion_protection: "enabled" })

      const kept = yield* send("DELETE", "/indexes/demo")
      assert.strictEqual(kept.status, 403)
      assert.include(kept.text, "Deletion protection is enabled for this index.")
      yield* send("PATCH", "/indexes/demo", { deletion_protection: "disabled" })
      assert.strictEqual((yield* send("DELETE", "/indexes/demo")).status, 202)
      const gone = yield* data("POST", "/query", {})
      assert.strictEqual(gone.status, 404)
      assert.deepInclude(json(gone), { code: 5, details: [] })
    })
  )

  it.effect.each([
    [{ name: "m" }, "cloud"],
    [{ embed: { model: "gpt", field_map: { text: "t" } } }, "'gpt' is none of the emulator's"],
    [
      { embed: { model: "multilingual-e5-large", field_map: { text: "t" }, dimension: 3 } },
      "no vectors of dimension 3"
    ],
    [
      { embed: { model: "multilingual-e5-large", field_map: { text: "t" }, metric: "dotproduct" } },
      "no metric dotproduct"
    ],
    [{ embed: { model: "multilingual-e5-large", field_map: {} } }, "text"]
  ] as const)("for a model refuse %j", ([body, why]) =>
    Effect.gen(function* () {
      const { send } = yield* raw(dense)
      const place = "name" in body ? {} : { name: "m", cloud: "aws", region: "r" }
      const answer = yield* send("POST", "/indexes/create-for-model", { ...place, ...body })
      assert.strictEqual(answer.status, 400)
      assert.include(answer.text, why)
    })
  )

  it.effect("for a model are told to older versions of the API with the model", () =>
    Effect.gen(function* () {
      const { send } = yield* raw(dense)
      const embed = { model: "multilingual-e5-large", field_map: { text: "t" }, read_parameters: { truncate: "NONE" } }
      yield* send("POST", "/indexes/create-for-model", { name: "m", cloud: "aws", region: "r", embed })
      const model = yield* send("GET", "/indexes/m", undefined, version("2025-10"))
      assert.deepNestedInclude(json(model), {
        dimension: 1_024,
        vector_type: "dense",
        "embed.model": "multilingual-e5-large",
        "embed.field_map": { text: "t" },
        "embed.read_parameters": { input_type: "query", truncate: "NONE" }
      })
    })
  )
})

describe("records", () => {
  it.effect("are written and read, with sequence numbers in the headers", () =>
    Effect.gen(function* () {
      const { data } = yield* raw(dense)
      const write = yield* data("POST", "/vectors/upsert", {
        vectors: [
          { id: "a", values: [0.4, 0.1], metadata: { tag: ["x", "y"], n: 1.5, ok: true, none: null } },
          { id: "b", values: [-1, 1e-20], sparseValues: null, metadata: null }
        ],
        namespace: "ns"
      })
      assert.deepStrictEqual([write.status, write.text], [200, `{"upsertedCount":2}`])
      assert.strictEqual(write.headers.get("content-type"), "application/json")
      const lsn = Number(write.headers.get("x-pinecone-request-lsn"))
      assert.isAbove(lsn, 0)

      const query = yield* data("POST", "/query", { namespace: "ns", topK: 10, vector: [0, 1] })
      assert.strictEqual(query.status, 200)
      assert.strictEqual(
        query.text,
        `{"results":[],"matches":[{"id":"a","score":0.242535621,"values":[]},{"id":"b","score":1e-20,"values":[]}],"namespace":"ns","usage":{"readUnits":0.25}}`
      )
      assert.strictEqual(Number(query.headers.get("x-pinecone-max-indexed-lsn")), lsn)

      const fetched = yield* data("GET", "/vectors/fetch?ids=a&ids=b&ids=c&ids=a&namespace=ns")
      assert.deepStrictEqual(json(fetched), {
        vectors: {
          a: { id: "a", values: [0.4, 0.1], metadata: { tag: ["x", "y"], n: 1.5, ok: true } },
          b: { id: "b", values: [-1, 1e-20] }
        },
        namespace: "ns",
        usage: { readUnits: 1 }
      })
      const listed = yield* data("GET", "/vectors/list?namespace=ns")
      assert.deepStrictEqual(json(listed), {
        vectors: [{ id: "a" }, { id: "b" }],
        namespace: "ns",
        usage: { readUnits: 1 }
      })
      for (const [path, body, reply] of [
        ["/vectors/update", { id: "a", setMetadata: { n: 2 }, namespace: "ns" }, {}],
        ["/vectors/update", { filter: { n: 2 }, setMetadata: { m: 1 }, namespace: "ns" }, { matchedRecords: 1 }],
        ["/vectors/delete", { ids: ["a"], namespace: "ns" }, {}],
        ["/vectors/delete", { deleteAll: true, namespace: "ns" }, {}]
      ] as const) {
        const next = yield* data("POST", path, body)
        assert.strictEqual(next.status, 200)
        assert.deepStrictEqual(json(next), reply)
        assert.isAbove(Number(next.headers.get("x-pinecone-request-lsn")), lsn)
      }
    })
  )

  it.effect("with sparse values come back with them", () =>
    Effect.gen(function* () {
      const { data } = yield* raw({ dimension: 2, metric: "dotproduct" })
      yield* data("POST", "/vectors/upsert", {
        vectors: [{ id: "a", values: [1, 0], sparseValues: { indices: [7, 3], values: [0.1, 0.7] } }]
      })
      const fetched = yield* data("GET", "/vectors/fetch?ids=a")
      assert.nestedPropertyVal(json(fetched), "vectors.a.sparseValues.indices[0]", 3)
      assert.include(fetched.text, `"sparseValues":{"indices":[3,7],"values":[0.7,0.1]}`)
    })
  )

  const declaresDense = { _values: { type: "dense_vector", dimension: 2, metric: "dotproduct" } }
  const declaresBoth = { ...declaresDense, _sparse_values: { type: "sparse_vector" } }
  const old = { name: "h", dimension: 2, metric: "dotproduct", spec: classic.spec }
  it.effect.each([
    ["refused by a schema without them", { name: "h", schema: { fields: declaresDense } }, {}, 400],
    [
      "taken all the same if told so",
      { name: "h", schema: { fields: declaresDense } },
      { undeclaredSparse: "accept" },
      200
    ],
    ["taken by a schema with them", { name: "h", schema: { fields: declaresBoth } }, {}, 200],
    ["taken by an index without a schema", old, {}, 200]
  ] as const)("with sparse values are %s", ([, body, options, status]) =>
    Effect.gen(function* () {
      const { send } = yield* raw(dense, options)
      const created = yield* send("POST", "/indexes", body, version("2026-07"))
      assert.nestedPropertyVal(json(created), "schema.fields._sparse_values.type", "sparse_vector")
      const sparse = { indices: [1], values: [1] }
      const vectors = [{ id: "a", values: [1, 0], sparseValues: sparse }]
      for (const answer of [
        yield* send("POST", "/i/h/vectors/upsert", { vectors }),
        yield* send("POST", "/i/h/vectors/update", { id: "a", sparseValues: sparse }),
        yield* send("POST", "/i/h/query", { vector: [1, 0], sparseVector: sparse, topK: 1 })
      ]) {
        assert.strictEqual(answer.status, status)
        if (status === 400) assert.include(answer.text, "Index configuration does not support sparse values")
      }
      yield* send("PATCH", "/indexes/h", { tags: { a: "b" } })
      assert.strictEqual((yield* send("POST", "/i/h/vectors/upsert", { vectors })).status, status)
    })
  )

  it.effect.each([
    ["/vectors/upsert", { vectors: [{ id: "a", values: [1, 2, 3] }] }, "Vector dimension 3 does not match"],
    ["/vectors/upsert", { vectors: [{ id: "a", values: [0, 0] }] }, "at least one non-zero value. Vector ID a"],
    ["/vectors/upsert", { vectors: [{ id: "a", values: [1, "2"] }] }, "array of numbers"],
    ["/vectors/upsert", { vectors: [{ id: "a", values: [1, null] }] }, "array of numbers"],
    ["/vectors/upsert", { vectors: [{ id: 1, values: [1, 2] }] }, "id"],
    ["/vectors/upsert", { vectors: [{ id: "a", values: [1, 2], metadata: { a: { b: 1 } } }] }, "for field 'a'"],
    ["/vectors/upsert", { vectors: [{ id: "a", values: [1, 2], metadata: [] }] }, "object"],
    [
      "/vectors/upsert",
      { vectors: [{ id: "a", values: [1, 2], sparseValues: { indices: [1], values: [1] } }] },
      "Index configuration does not support sparse values"
    ],
    ["/vectors/upsert", { vectors: [] }, "at least one"],
    ["/vectors/upsert", {}, "vectors"],
    ["/vectors/upsert", [], "object"],
    ["/query", { topK: 1 }, "needs a vector"],
    ["/query", { vector: [1, 2] }, "topK"],
    ["/query", { vector: [1, 2], topK: 10_001 }, "topK"],
    ["/query", { vector: [1, 2], id: "a", topK: 1 }, "'ID' and 'vector'"],
    ["/query", { vector: [1, 2], topK: 1, filter: { a: { $foo: 1 } } }, "$foo is not a valid operator"],
    ["/query", { vector: [1, 2], topK: 1, filter: [] }, "object"],
    ["/vectors/delete", {}, "exactly one of"],
    ["/vectors/delete", { ids: ["a"], deleteAll: true }, "exactly one of"],
    ["/vectors/delete", { filter: {} }, "Delete with empty metadata filter is not allowed"],
    ["/vectors/update", { setMetadata: { a: 1 } }, "needs an id or a filter"],
    ["/vectors/update", { id: "a", filter: { a: 1 } }, "not both"],
    ["/vectors/update", { filter: { a: 1 }, values: [1, 2] }, "does not support updating vector values"],
    ["/vectors/update", { filter: {}, setMetadata: { a: 1 } }, "empty metadata filter"],
    ["/vectors/fetch_by_metadata", {}, "empty metadata filter"],
    ["/describe_index_stats", { filter: { a: 1 } }, "do not support describing index stats"],
    ["/namespaces", {}, "needs a name"]
  ] as const)("refuse %s %j", ([path, body, part]) =>
    Effect.gen(function* () {
      const { data } = yield* raw(dense)
      const answer = yield* data("POST", path, body)
      assert.strictEqual(answer.status, 400)
      assert.deepInclude(json(answer), { code: 3, details: [] })
      assert.include(answer.text, part)
    })
  )

  it.effect("are updated by filter, or only counted", () =>
    Effect.gen(function* () {
      const { data } = yield* raw(dense)
      const vectors = ["a", "b", "c"].map((id, at) => ({ id, values: [1, at], metadata: { odd: at % 2 === 1 } }))
      yield* data("POST", "/vectors/upsert", { vectors })
      const body = { filter: { odd: false }, setMetadata: { seen: true } }
      assert.strictEqual(
        (yield* data("POST", "/vectors/update", { ...body, dryRun: true })).text,
        `{"matchedRecords":2}`
      )
      const nothing = yield* data("POST", "/vectors/fetch_by_metadata", { filter: { seen: true } })
      assert.deepInclude(json(nothing), { vectors: {} })
      assert.strictEqual((yield* data("POST", "/vectors/update", body)).text, `{"matchedRecords":2}`)

      const first = yield* data("POST", "/vectors/fetch_by_metadata", { filter: { seen: true }, limit: 1 })
      assert.nestedProperty(json(first), "vectors.a")
      const [, next] = /"next":"(.*?)"/.exec(first.text) ?? []
      const last = yield* data("POST", "/vectors/fetch_by_metadata", {
        filter: { seen: true },
        limit: 1,
        paginationToken: next
      })
      assert.nestedProperty(json(last), "vectors.c")
      assert.notProperty(json(last), "pagination")
    })
  )

  it.effect("in a namespace that is not there are not found by a delete", () =>
    Effect.gen(function* () {
      const { data } = yield* raw(dense)
      const answer = yield* data("POST", "/vectors/delete", { ids: ["a"], namespace: "nope" })
      assert.deepStrictEqual(
        [answer.status, answer.text],
        [404, `{"code":5,"message":"Namespace not found","details":[]}`]
      )
    })
  )

  it.effect("with names of the object prototype are records as any other", () =>
    Effect.gen(function* () {
      const { data } = yield* raw(dense)
      const body = `{"vectors":[{"id":"__proto__","values":[1,2],"metadata":{"__proto__":"p","constructor":"c"}}],"namespace":"__proto__"}`
      assert.strictEqual((yield* data("POST", "/vectors/upsert", body)).status, 200)
      const fetched = yield* data("GET", "/vectors/fetch?ids=__proto__&ids=constructor&namespace=__proto__")
      assert.include(
        fetched.text,
        `{"vectors":{"__proto__":{"id":"__proto__","values":[1,2],"metadata":{"__proto__":"p","constructor":"c"}}}`
      )
      const found = yield* data(
        "POST",
        "/query",
        `{"namespace":"__proto__","topK":1,"id":"__proto__","filter":{"__proto__":"p"}}`
      )
      assert.include(found.text, `"id":"__proto__"`)
      const stats = yield* data("POST", "/describe_index_stats", {})
      assert.include(stats.text, `"namespaces":{"__proto__":{"vectorCount":1}}`)
      // nothing of it reached the prototype that all objects share
      assert.notProperty({}, "p")
      assert.strictEqual((yield* data("POST", "/query", `{"__proto__":{"topK":1,"vector":[1,2]}}`)).status, 400)
    })
  )

  it.effect("of a thousand long ids are fetched in one GET", () =>
    Effect.gen(function* () {
      const { data } = yield* raw(dense)
      const ids = Array.from({ length: 1_000 }, (_, at) => `${at} `.padEnd(512, "é".replace("é", "% ")))
      const vectors = ids.map((id) => ({ id, values: [1, 2] }))
      assert.strictEqual((yield* data("POST", "/vectors/upsert", { vectors })).status, 200)
      const path = `/vectors/fetch?${ids.map((id) => `ids=${encodeURIComponent(id)}`).join("&")}`
      assert.isAbove(path.length, 1_048_576)
      const fetched = yield* data("GET", path)
      assert.strictEqual(fetched.status, 200)
      assert.strictEqual(fetched.text.match(/"id":/g)?.length, 1_000)
    })
  )
})

describe("namespaces", () => {
  it.effect("are made, told, listed by pages and deleted", () =>
    Effect.gen(function* () {
      const { data } = yield* raw(dense)
      const schema = { fields: { g: { filterable: true } } }
      const created = yield* data("POST", "/namespaces", { name: "a/b c", schema })
      const info = { name: "a/b c", record_count: "0", schema, indexed_fields: { fields: ["g"] } }
      assert.deepStrictEqual([created.status, json(created)], [200, info])
      assert.deepStrictEqual(json(yield* data("GET", "/namespaces/a%2Fb%20c")), info)
      const again = yield* data("POST", "/namespaces", { name: "a/b c" })
      assert.deepStrictEqual(
        [again.status, again.text],
        [409, `{"code":6,"message":"Resource already exists.","details":[]}`]
      )
      yield* data("POST", "/vectors/upsert", { vectors: [{ id: "x", values: [1, 2] }], namespace: "ab" })
      yield* data("POST", "/namespaces", { name: "z" })

      const first = yield* data("GET", "/namespaces?prefix=a&limit=1")
      assert.deepInclude(json(first), { namespaces: [info], total_count: 2 })
      const [, next] = /"next":"(.*?)"/.exec(first.text) ?? []
      const second = yield* data(
        "GET",
        `/namespaces?prefix=a&limit=1&paginationToken=${encodeURIComponent(next ?? "")}`
      )
      assert.deepStrictEqual(json(second), { namespaces: [{ name: "ab", record_count: "1" }], total_count: 2 })

      const deleted = yield* data("DELETE", "/namespaces/a%2Fb%20c")
      assert.deepStrictEqual([deleted.status, deleted.text], [200, "{}"])
      for (const method of ["GET", "DELETE"]) {
        const missing = yield* data(method, "/namespaces/a%2Fb%20c")
        assert.strictEqual(missing.status, 404)
        assert.deepInclude(json(missing), { code: 5 })
      }
    })
  )

  it.effect("GET /namespaces counts a namespace whose records are not visible yet", () =>
    Effect.gen(function* () {
      const { data } = yield* raw({ dimension: 2 }, { visibleAfter: "1 minute" })
      yield* data("POST", "/vectors/upsert", { vectors: [{ id: "a", values: [1, 2] }], namespace: "new" })
      const listed = yield* data("GET", "/namespaces?prefix=n")
      assert.deepStrictEqual(json(listed), { namespaces: [{ name: "new", record_count: "0" }], total_count: 1 })
    })
  )

  it.effect("by default have a name from 2025-04 on, and none before", () =>
    Effect.gen(function* () {
      const { data } = yield* raw(dense)
      const vectors = [{ id: "x", values: [1, 2] }]
      for (const [api, namespace] of [
        ["2025-01", ""],
        ["2025-01", undefined],
        ["2025-04", ""],
        ["2025-04", "__default__"],
        ["2026-07", undefined]
      ] as const) {
        const written = yield* data("POST", "/vectors/upsert", { vectors, namespace }, version(api))
        assert.strictEqual(written.status, 200)
      }
      const refused = yield* data("POST", "/vectors/upsert", { vectors, namespace: "__default__" }, version("2025-01"))
      assert.strictEqual(refused.status, 400)
      assert.include(refused.text, "Use of namespace='__default__' is not allowed in API versions prior to 2025-04")

      const stats = (api: string) => Effect.map(data("POST", "/describe_index_stats", "", version(api)), json)
      const rest = { dimension: 2, indexFullness: 0, totalVectorCount: 1, metric: "cosine", vectorType: "dense" }
      assert.deepStrictEqual(yield* stats("2025-01"), { namespaces: { "": { vectorCount: 1 } }, ...rest })
      assert.deepStrictEqual(yield* stats("2025-04"), { namespaces: { __default__: { vectorCount: 1 } }, ...rest })
      const query = yield* data("POST", "/query", { topK: 1, id: "x" }, version("2025-01"))
      assert.deepInclude(json(query), { namespace: "" })
    })
  )
})

describe("what is no request of the API", () => {
  it.effect("is not found, or not allowed", () =>
    Effect.gen(function* () {
      const { data, send } = yield* raw(dense)
      for (const path of ["/", "/nope", "/indexes/", "/indexes/a/b", "/i", "/i/", "/bulk"]) {
        const answer = yield* send("GET", path)
        assert.strictEqual(answer.status, 404, path)
        assert.nestedPropertyVal(json(answer), "error.code", "NOT_FOUND")
      }
      for (const path of [
        "",
        "/",
        "/vectors",
        "//vectors/upsert",
        "/bulk/imports",
        "/namespaces/",
        "/namespaces//documents/list",
        "/records/namespaces/a/b"
      ]) {
        const answer = yield* data("POST", path)
        assert.strictEqual(answer.status, 404, path)
      }
      const get = yield* data("GET", "/query")
      assert.strictEqual(get.status, 405)
      assert.strictEqual(get.headers.get("allow"), "POST")
      assert.deepInclude(json(get), { details: [] })
      const put = yield* send("PUT", "/indexes/demo", {})
      assert.strictEqual(put.status, 405)
      assert.strictEqual(put.headers.get("allow"), "GET, PATCH, DELETE")
      assert.strictEqual((yield* send("GET", "/indexes/%zz")).status, 400)
    })
  )

  it.effect("is told when it is not JSON", () =>
    Effect.gen(function* () {
      const { data, send } = yield* raw(dense)
      const records = yield* data("POST", "/vectors/upsert", `{"vectors":[`)
      assert.strictEqual(records.status, 400)
      assert.deepInclude(json(records), { code: 3 })
      assert.include(records.text, "not JSON")
      const indexes = yield* send("POST", "/indexes", "hello")
      assert.strictEqual(indexes.status, 400)
      assert.nestedPropertyVal(json(indexes), "error.code", "INVALID_ARGUMENT")
    })
  )

  it.effect("is told when it is nested beyond reason, and the emulator goes on", () =>
    Effect.gen(function* () {
      const { data, send } = yield* raw(dense)
      const deep = (levels: number, open: string, close: string, core = "1") =>
        open.repeat(levels) + core + close.repeat(levels)
      for (const [path, body] of [
        ["/vectors/upsert", deep(500_000, "[", "]")],
        ["/vectors/upsert", `{"vectors":${deep(200_000, "[", "]")}}`],
        ["/vectors/upsert", `{"vectors":[{"id":"a","values":${deep(200_000, "[", "]")}}]}`],
        ["/vectors/upsert", `{"vectors":[{"id":"a","values":[1,2],"metadata":${deep(100_000, `{"a":`, "}")}}]}`],
        ["/query", `{"topK":1,"vector":[1,2],"filter":${deep(100_000, `{"$not":`, "}", "{}")}}`],
        ["/query", `{"topK":1,"vector":[1,2],"filter":${deep(100_000, `{"$and":[`, "]}", "{}")}}`],
        ["/vectors/delete", `{"filter":${deep(100_000, `{"a":{"$eq":`, "}}")}}`],
        ["/namespaces", `{"name":"a","schema":${deep(100_000, `{"a":`, "}")}}`]
      ] as const) {
        const answer = yield* data("POST", path, body)
        assert.strictEqual(answer.status, 400, body.slice(0, 60))
        assert.isBelow(answer.text.length, 1_000)
      }
      const made = yield* send("POST", "/indexes", `{"name":"a","spec":${deep(100_000, `{"a":`, "}")}}`)
      assert.strictEqual(made.status, 400)
      const filter = JSON.parse(deep(40, `{"$not":`, "}", "{}"))
      assert.strictEqual((yield* data("POST", "/query", { topK: 1, vector: [1, 2], filter })).status, 200)
    })
  )

  it.effect("is told when it is too large, and the connection stays", () =>
    Effect.gen(function* () {
      const { data, send } = yield* raw(dense, { maxBodyBytes: 1_000 })
      const records = yield* data("POST", "/vectors/upsert", "x".repeat(5_000_000))
      assert.strictEqual(records.status, 413)
      assert.include(records.text, "at most 1000 bytes")
      assert.deepInclude(json(records), { code: 11 })
      const indexes = yield* send("POST", "/indexes", "x".repeat(1_001))
      assert.strictEqual(indexes.status, 413)
      assert.nestedPropertyVal(json(indexes), "error.code", "PAYLOAD_TOO_LARGE")
      assert.strictEqual((yield* data("POST", "/describe_index_stats", " ".repeat(998) + "{}")).status, 200)
    })
  )
})

describe("many clients", () => {
  it.effect("lose and tear no write", () =>
    Effect.gen(function* () {
      const { data } = yield* raw({ dimension: 16 })
      const clients = Array.from({ length: 64 }, (_, client) => client)
      const values = (client: number) => Array.from({ length: 16 }, () => client + 1)
      yield* Effect.forEach(
        clients,
        (client) =>
          Effect.forEach([0, 1, 2, 3], (part) =>
            Effect.gen(function* () {
              const own = Array.from({ length: 10 }, (_, at) => ({
                id: `${client}-${part}-${at}`,
                values: values(client)
              }))
              const shared = { id: "shared", values: values(client), metadata: { client } }
              const answer = yield* data("POST", "/vectors/upsert", { vectors: [...own, shared] })
              assert.deepStrictEqual([answer.status, answer.text], [200, `{"upsertedCount":11}`])
              const read = yield* data("GET", "/vectors/fetch?ids=shared")
              const [, writer] = /"client":(\d+)/.exec(read.text) ?? []
              assert.include(read.text, JSON.stringify(values(Number(writer))))
            })
          ),
        { concurrency: "unbounded" }
      )
      assert.deepInclude(json(yield* data("POST", "/describe_index_stats")), { totalVectorCount: 64 * 4 * 10 + 1 })
    })
  )

  it.effect("that leave in the middle of a request write nothing", () =>
    Effect.gen(function* () {
      const { data, emulator } = yield* raw(dense)
      yield* Effect.promise(
        () =>
          new Promise<void>((done) => {
            const request = http.request(`${emulator.url}/i/demo/vectors/upsert`, {
              method: "POST",
              headers: { "api-key": "k", "content-length": "1000" }
            })
            request.on("error", () => done())
            request.write(`{"vectors":[{"id":"a","values":[1,2]}]}`, () => request.destroy(new Error("leaves")))
          })
      )
      assert.deepInclude(json(yield* data("POST", "/describe_index_stats")), { totalVectorCount: 0 })
    })
  )
})
