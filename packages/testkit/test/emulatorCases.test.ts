/** The official client, unchanged, against the emulator: what a Pinecone must answer for it to work. */
import { FaultPlan, PineconeEmulator } from "@effect-connectors/testkit"
import type { Options, Service } from "@effect-connectors/testkit/PineconeEmulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { Pinecone, type PineconeConfiguration } from "pinecone-sdk-9"

const spec = { serverless: { cloud: "aws", region: "us-east-1" } } as const

let clients = 0

/** The client keeps hosts by key for the whole process, so every emulator gets a key of its own. */
const clientOf = ({ url }: Service, options?: Partial<PineconeConfiguration>): Pinecone =>
  new Pinecone({ apiKey: `case-${++clients}`, controllerHostUrl: url, ...options })

/** Runs `body` with a client of an emulator of its own. */
const withClient = (body: (client: Pinecone, emulator: Service) => Promise<void>, options?: Options) =>
  Effect.gen(function* () {
    const emulator = yield* PineconeEmulator.make(options)
    yield* Effect.promise(() => body(clientOf(emulator), emulator))
  })

const indexOf = async (client: Pinecone, metric: "cosine" | "dotproduct" | "euclidean" = "cosine", dimension = 2) => {
  await client.createIndex({ name: "demo", dimension, metric, spec, waitUntilReady: true })
  return client.index({ name: "demo" })
}

/** The error of a call that must fail. */
const failureOf = async (call: Promise<unknown>): Promise<Error> => {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error
  )
  assert.instanceOf(outcome, Error)
  return outcome
}

const fails = async (call: Promise<unknown>, name: string, part = ""): Promise<void> => {
  const error = await failureOf(call)
  assert.strictEqual(error.name, name)
  assert.include(error.message, part)
}

describe("the official client", () => {
  it.effect("1: creates an index, waits for it and reads it in both shapes", () =>
    withClient(async (client, emulator) => {
      const options = { name: "one", dimension: 3, metric: "dotproduct", spec, tags: { a: "b" } } as const
      const created = await client.createIndex({ ...options, waitUntilReady: true })
      assert.deepInclude(created?.status, { ready: true, state: "Ready" })
      for (const model of [created, await client.describeIndex("one"), (await client.listIndexes()).indexes?.[0]]) {
        assert.strictEqual(model?.dimension, 3)
        assert.strictEqual(model?.metric, "dotproduct")
        assert.strictEqual(model?.vectorType, "dense")
        assert.deepInclude(JSON.parse(JSON.stringify(model?.spec)).serverless, spec.serverless)
        assert.deepStrictEqual(model?.tags, { a: "b" })
      }
      assert.match(created?.host ?? "", /^http:\/\/127\.0\.0\.1:\d+$/)
      assert.notStrictEqual(created?.host, emulator.url)
      const sparse = await client.createIndex({ name: "two", vectorType: "sparse", metric: "dotproduct", spec })
      assert.deepStrictEqual([sparse?.vectorType, sparse?.dimension], ["sparse", undefined])
      const configured = await client.configureIndex({ name: "two", deletionProtection: "enabled", tags: { c: "d" } })
      assert.deepStrictEqual(configured?.tags, { c: "d" })
      await fails(client.deleteIndex("two"), "PineconeBadRequestError", "Deletion protection is enabled")
      await client.deleteIndex("one")
      assert.deepStrictEqual(
        (await client.listIndexes()).indexes?.map(({ name }) => name),
        ["two"]
      )
    })
  )

  it.effect("2: learns that an index is there, and that a name is bad", () =>
    withClient(async (client) => {
      const options = { name: "demo", dimension: 2, spec }
      await client.createIndex(options)
      await fails(client.createIndex(options), "PineconeConflictError", "Resource already exists.")
      assert.isUndefined(await client.createIndex({ ...options, suppressConflicts: true }))
      await fails(client.createIndex({ ...options, name: "No!" }), "PineconeBadRequestError", "alphanumeric character")
    })
  )

  it.effect("3: finds the data plane by the name of the index", () =>
    withClient(async (client) => {
      const index = await indexOf(client)
      await index.upsert({ records: [{ id: "a", values: [1, 2] }] })
      assert.strictEqual((await index.describeIndexStats()).totalRecordCount, 1)
      await fails(client.index({ name: "nope" }).describeIndexStats(), "PineconeNotFoundError")
      await fails(client.describeIndex("nope"), "PineconeNotFoundError")
    })
  )

  it.effect("4: knows one default namespace by three names, and older versions by two", () =>
    withClient(async (client, emulator) => {
      await indexOf(client)
      const host = `${emulator.url}/i/demo`
      for (const [at, namespace] of [undefined, "", "__default__"].entries()) {
        const index = client.index({ host, ...(namespace === undefined ? {} : { namespace }) })
        await index.upsert({ records: [{ id: `r${at}`, values: [1, 2] }] })
      }
      await client.index({ host }).upsert({ records: [{ id: "r3", values: [1, 2] }], namespace: "" })
      const stats = await client.index({ host }).describeIndexStats()
      assert.deepStrictEqual(stats.namespaces, { __default__: { recordCount: 4 } })

      const old = clientOf(emulator, { additionalHeaders: { "X-Pinecone-Api-Version": "2025-01" } }).index({ host })
      const records = [{ id: "old", values: [1, 2] }]
      await fails(old.upsert({ records }), "PineconeBadRequestError", "not allowed in API versions prior to 2025-04")
      await old.upsert({ records, namespace: "" })
      assert.deepStrictEqual((await old.describeIndexStats()).namespaces, { "": { recordCount: 5 } })
    })
  )

  it.effect("5: gets float32 in short digits, replaced records and sequence numbers", () =>
    withClient(async (client, emulator) => {
      const answers: Array<{ readonly text: string; readonly lsn: string | null }> = []
      const fetchApi: typeof fetch = async (input, init) => {
        const response = await fetch(input, init)
        answers.push({ text: await response.clone().text(), lsn: response.headers.get("x-pinecone-request-lsn") })
        return response
      }
      await indexOf(client)
      const index = clientOf(emulator, { fetchApi }).index({ host: `${emulator.url}/i/demo` })
      await index.upsert({ records: [{ id: "a", values: [0.4, 0.1234567891], metadata: { old: true } }] })
      await index.upsert({ records: [{ id: "a", values: [0.4, 0.1234567891], metadata: { recent: true } }] })
      const { records } = await index.fetch({ ids: ["a"] })
      assert.deepStrictEqual(records["a"]?.values, [0.4, 0.123456791])
      assert.deepStrictEqual(records["a"]?.metadata, { recent: true })
      const [first, second, third] = answers
      assert.strictEqual(first?.text, `{"upsertedCount":1}`)
      assert.isAbove(Number(second?.lsn), Number(first?.lsn))
      assert.isNull(third?.lsn)
    })
  )

  it.effect("6: is told what is wrong with a record or a request", () =>
    withClient(async (client) => {
      const index = await indexOf(client)
      const bad = (record: object, part: string) =>
        fails(index.upsert({ records: [{ id: "a", values: [1, 2], ...record }] }), "PineconeBadRequestError", part)
      await bad({ values: [1, 2, 3] }, "Vector dimension 3 does not match the dimension of the index 2")
      await bad({ values: [0, 1e-9] }, "Dense vectors must contain at least one non-zero value. Vector ID a")
      const text = "x".repeat(40_961 - `{"t":""}`.length)
      await bad(
        { metadata: { t: text } },
        "Metadata size is 40961 bytes, which exceeds the limit of 40960 bytes per vector"
      )
      await index.upsert({ records: [{ id: "fits", values: [1, 2], metadata: { t: text.slice(1) } }] })
      await bad(
        { metadata: { price: { usd: 10 } } },
        "Metadata value must be a string, number, boolean or list of strings, got '{\"usd\":10}' for field 'price'"
      )
      await bad({ sparseValues: { indices: [1], values: [1] } }, "Index configuration does not support sparse values")
      const many = Array.from({ length: 1_001 }, (_, at) => ({ id: `${at}`, values: [1, 2] }))
      await fails(index.upsert({ records: many }), "PineconeBadRequestError", "1000")
      const large = Array.from({ length: 60 }, (_, at) => ({
        id: `${at}`,
        values: [1, 2],
        metadata: { t: text.slice(1) }
      }))
      await fails(
        index.upsert({ records: large }),
        "PineconeBadRequestError",
        "larger than the maximum supported size - 2MB"
      )
      assert.strictEqual((await index.describeIndexStats()).totalRecordCount, 1)
    })
  )

  it.effect.each([
    [
      "cosine",
      [
        ["b", 1],
        ["a", 0.707107],
        ["c", -0.707107]
      ]
    ],
    [
      "dotproduct",
      [
        ["b", 4],
        ["a", 2],
        ["c", -2]
      ]
    ],
    [
      "euclidean",
      [
        ["a", 1],
        ["b", 2],
        ["c", 5]
      ]
    ]
  ] as const)("7: queries by %s", ([metric, expected]) =>
    withClient(async (client) => {
      const index = await indexOf(client, metric)
      await index.upsert({
        records: [
          { id: "a", values: [0, 1], metadata: { n: 1 } },
          { id: "b", values: [2, 2] },
          { id: "c", values: [0, -1] }
        ]
      })
      const vector = metric === "cosine" ? [3, 3] : metric === "dotproduct" ? [0, 2] : [1, 1]
      const { matches, usage } = await index.query({ vector, topK: 100, includeMetadata: true, includeValues: true })
      assert.deepStrictEqual(
        matches.map(({ id, score }) => [id, Number(score?.toPrecision(6))]),
        expected.map(([id, score]) => [id, score])
      )
      assert.isAbove(usage?.readUnits ?? 0, 0)
      const a = matches.find(({ id }) => id === "a")
      assert.deepInclude(a, { values: [0, 1], metadata: { n: 1 } })
      const bare = await index.query({ vector, topK: 1, filter: { n: 1 } })
      assert.deepStrictEqual(
        bare.matches.map(({ id, metadata, values }) => [id, values, metadata]),
        [["a", [], undefined]]
      )
    })
  )

  it.effect("8: queries by id, by sparse vector and by both", () =>
    withClient(async (client) => {
      const dense = { type: "dense_vector", dimension: 2, metric: "dotproduct" } as const
      const schema = { fields: { _values: dense, _sparse_values: { type: "sparse_vector" } } } as const
      await client.createIndex({ name: "demo", schema, waitUntilReady: true })
      const index = client.index({ name: "demo" })
      await index.upsert({
        records: [
          { id: "a", values: [1, 0], sparseValues: { indices: [1, 5], values: [0.5, 2] } },
          { id: "b", values: [0.5, 1] },
          { id: "c", values: [-1, 0] }
        ]
      })
      const near = await index.query({ id: "a", topK: 2 })
      assert.strictEqual(near.matches[0]?.id, "a")
      assert.deepStrictEqual((await index.query({ id: "nobody", topK: 2 })).matches, [])
      const hybrid = await index.query({ vector: [1, 0], sparseVector: { indices: [5, 9], values: [3, 1] }, topK: 3 })
      assert.deepStrictEqual(
        hybrid.matches.map(({ id, score }) => [id, score]),
        [
          ["a", 7],
          ["b", 0.5],
          ["c", -1]
        ]
      )
      await client.createIndex({ name: "words", vectorType: "sparse", spec })
      const words = client.index({ name: "words" })
      await words.upsert({
        records: [
          { id: "x", sparseValues: { indices: [1, 2], values: [1, 1] } },
          { id: "y", sparseValues: { indices: [3], values: [1] } }
        ]
      })
      // The client's types want a dense vector; without one it sends what it is given.
      const sparse: Parameters<typeof words.query>[0] = JSON.parse(
        `{"topK":10,"sparseVector":{"indices":[2],"values":[0.5]},"includeValues":true}`
      )
      const { matches } = await words.query(sparse)
      assert.strictEqual(matches.length, 1)
      const sparseValues = { indices: [1, 2], values: [1, 1] }
      assert.deepInclude(matches[0], { id: "x", score: 0.5, values: [], sparseValues })
    })
  )

  it.effect("9: filters with every operator", () =>
    withClient(async (client) => {
      const index = await indexOf(client)
      await index.upsert({
        records: [
          { id: "a", values: [1, 1], metadata: { n: 1, s: "x", tags: ["p", "q"] } },
          { id: "b", values: [1, 1], metadata: { n: 2, s: "y", ok: true } },
          { id: "c", values: [1, 1], metadata: { n: 3 } }
        ]
      })
      const found = async (filter: object) =>
        (await index.query({ vector: [1, 1], topK: 10, filter })).matches.map(({ id }) => id).join("")
      for (const [filter, ids] of [
        [{ s: "x" }, "a"],
        [{ n: { $eq: 2 } }, "b"],
        [{ n: { $ne: 2 } }, "ac"],
        [{ n: { $gt: 1 } }, "bc"],
        [{ n: { $gte: 2, $lt: 3 } }, "b"],
        [{ n: { $lte: 2 } }, "ab"],
        [{ s: { $in: ["x", "y"] } }, "ab"],
        [{ n: { $nin: [1, 3] } }, "b"],
        [{ ok: { $exists: true } }, "b"],
        [{ tags: "q" }, "a"],
        [{ tags: { $in: ["p", "z"] } }, "a"],
        [{ $and: [{ n: { $gt: 1 } }, { s: "y" }] }, "b"],
        [{ $or: [{ n: 3 }, { s: "x" }] }, "ac"],
        [{ $not: { n: 3 } }, "ab"]
      ] as const) {
        assert.strictEqual(await found(filter), ids, JSON.stringify(filter))
      }
      await fails(found({ n: { $like: 1 } }), "PineconeBadRequestError", "$like is not a valid operator")
      const values = Array.from({ length: 10_001 }, (_, at) => at)
      await fails(found({ n: { $in: values } }), "PineconeBadRequestError", "10000")
      assert.strictEqual(await found({ n: { $in: values.slice(1) } }), "abc")
    })
  )

  it.effect("10: updates by id and by filter", () =>
    withClient(async (client, emulator) => {
      const index = await indexOf(client)
      await index.upsert({
        records: [
          { id: "a", values: [1, 1], metadata: { kind: "k", n: 1 } },
          { id: "b", values: [2, 1], metadata: { kind: "k" } }
        ]
      })
      await index.update({ id: "a", values: [3, 4], metadata: { n: 2 } })
      await index.update({ id: "nobody", metadata: { n: 2 } })
      const { records: found } = await index.fetch({ ids: ["a", "nobody"] })
      assert.deepStrictEqual(Object.keys(found), ["a"])
      assert.deepInclude(found["a"], { values: [3, 4], metadata: { kind: "k", n: 2 } })

      await index.update({ filter: { kind: "k" }, metadata: { seen: true } })
      const { records } = await index.fetchByMetadata({ filter: { seen: true } })
      assert.deepStrictEqual(Object.keys(records), ["a", "b"])
      const post = async (body: object) => {
        const response = await fetch(`${emulator.url}/i/demo/vectors/update`, {
          method: "POST",
          headers: { "Api-Key": "k" },
          body: JSON.stringify(body)
        })
        return [response.status, await response.text()]
      }
      const dryRun = { filter: { kind: "k" }, setMetadata: { kind: "other" }, dryRun: true }
      assert.deepStrictEqual(await post(dryRun), [200, `{"matchedRecords":2}`])
      assert.deepStrictEqual(Object.keys((await index.fetchByMetadata({ filter: { kind: "k" } })).records), ["a", "b"])
      const [status, text] = await post({ filter: { kind: "k" }, values: [1, 2] })
      assert.strictEqual(status, 400)
      assert.include(text, "Update by metadata request does not support updating vector values.")
    })
  )

  it.effect("11: deletes records and namespaces", () =>
    withClient(async (client) => {
      const index = await indexOf(client)
      const left = async () => ((await index.listPaginated()).vectors ?? []).map(({ id }) => id).join("")
      const records = [..."abcdef"].map((id, n) => ({ id, values: [1, n], metadata: { n } }))
      await index.upsert({ records })
      await index.deleteOne({ id: "a" })
      assert.strictEqual(await left(), "bcdef")
      await index.deleteMany({ ids: ["b", "nobody"] })
      assert.strictEqual(await left(), "cdef")
      await index.deleteMany({ filter: { n: { $gt: 4 } } })
      assert.strictEqual(await left(), "cde")
      await index.deleteAll()
      assert.strictEqual(await left(), "")
      assert.deepStrictEqual(
        (await index.listNamespaces()).namespaces?.map(({ name }) => name),
        ["__default__"]
      )
      const missing = index.deleteOne({ id: "a", namespace: "nope" })
      await fails(missing, "PineconeNotFoundError")
      await index.deleteNamespace("__default__")
      assert.deepStrictEqual((await index.listNamespaces()).namespaces, [])
      await fails(index.deleteNamespace("__default__"), "PineconeNotFoundError")
    })
  )

  it.effect("12: lists all ids in bytewise order, and fetches a thousand at once", () =>
    withClient(async (client) => {
      const index = await indexOf(client)
      const ids = Array.from({ length: 1_000 }, (_, at) => `doc#${at}`)
      await index.upsert({ records: ids.map((id) => ({ id, values: [1, 2] })) })
      await index.upsert({ records: ["Z", "a", "~"].map((id) => ({ id, values: [1, 2] })) })
      const walked: Array<string> = []
      let paginationToken: string | undefined
      do {
        const page = await index.listPaginated(paginationToken === undefined ? {} : { paginationToken })
        assert.isAtMost(page.vectors?.length ?? 0, 100)
        for (const { id } of page.vectors ?? []) walked.push(id ?? "")
        paginationToken = page.pagination?.next
      } while (paginationToken !== undefined)
      assert.deepStrictEqual(walked, [...ids, "Z", "a", "~"].sort())
      const prefixed = await index.listPaginated({ prefix: "doc#99", limit: 3 })
      assert.deepStrictEqual(
        prefixed.vectors?.map(({ id }) => id),
        ["doc#99", "doc#990", "doc#991"]
      )
      assert.isString(prefixed.pagination?.next)
      await fails(index.listPaginated({ limit: 101 }), "PineconeBadRequestError", "1 to 100")
      const { records } = await index.fetch({ ids })
      assert.deepStrictEqual(Object.keys(records).sort(), ids.toSorted())
    })
  )

  it.effect("13: counts records, and manages namespaces", () =>
    withClient(async (client) => {
      const index = await indexOf(client)
      for (const [namespace, count] of [
        ["a", 2],
        ["b", 3]
      ] as const) {
        await index.upsert({
          records: Array.from({ length: count }, (_, at) => ({ id: `${at}`, values: [1, 2] })),
          namespace
        })
      }
      const stats = await index.describeIndexStats()
      assert.deepStrictEqual(stats.namespaces, { a: { recordCount: 2 }, b: { recordCount: 3 } })
      assert.deepInclude(stats, { totalRecordCount: 5, dimension: 2, indexFullness: 0 })
      await fails(index.describeIndexStats({ filter: { a: 1 } }), "PineconeBadRequestError")

      const schema = { fields: { genre: { filterable: true } } }
      const created = await index.createNamespace({ name: "b 2", schema })
      assert.deepInclude(created, { name: "b 2", recordCount: "0", schema })
      await fails(index.createNamespace({ name: "b 2" }), "PineconeConflictError")
      assert.deepInclude(await index.describeNamespace("b 2"), { name: "b 2", recordCount: "0", schema })
      const first = await index.listNamespaces({ limit: 1, prefix: "b" })
      assert.deepStrictEqual(
        first.namespaces?.map(({ name, recordCount }) => [name, recordCount]),
        [["b", "3"]]
      )
      const second = await index.listNamespaces({
        limit: 1,
        prefix: "b",
        paginationToken: first.pagination?.next ?? ""
      })
      assert.deepStrictEqual(
        second.namespaces?.map(({ name }) => name),
        ["b 2"]
      )
      assert.isUndefined(second.pagination)
    })
  )

  it.effect("14: meets faults as it would meet those of the service", () =>
    Effect.gen(function* () {
      const emulator = yield* PineconeEmulator.make({ apiKeys: ["known"] })
      const { host } = yield* emulator.createIndex({ name: "demo", dimension: 2 })
      let requests = 0
      const fetchApi: typeof fetch = (input, init) => {
        requests++
        return fetch(input, init)
      }
      const index = clientOf(emulator, { apiKey: "known", fetchApi }).index({ host })

      /** Upserts once while `fault` strikes the first `times` calls; tells the error and how many requests it took. */
      const upsertWith = (fault: FaultPlan.Fault, times?: number) =>
        Effect.gen(function* () {
          yield* emulator.faults.replace(FaultPlan.make([{ name: "f", when: FaultPlan.always, fault, times }]))
          requests = 0
          const error = yield* Effect.promise(() =>
            index.upsert({ records: [{ id: "a", values: [1, 2] }] }).then(
              () => "none",
              (error: unknown) => (error instanceof Error ? error.name : "unknown")
            )
          )
          return { error, requests, fired: (yield* emulator.faults.fired)["f"] }
        })

      for (const throttle of [
        FaultPlan.throttle(),
        FaultPlan.throttle({ format: "text" }),
        FaultPlan.throttle({ retryAfter: "2 seconds" }),
        FaultPlan.throttle({ format: "text", retryAfter: "2 seconds" })
      ]) {
        const outcome = yield* upsertWith(throttle)
        assert.deepStrictEqual(outcome, { error: "PineconeUnmappedHttpError", requests: 1, fired: 1 })
      }
      const twice = yield* upsertWith(FaultPlan.status(503), 2)
      assert.deepStrictEqual(twice, { error: "none", requests: 3, fired: 2 })
      const always = yield* upsertWith(FaultPlan.status(500))
      assert.deepStrictEqual(always, { error: "PineconeMaxRetriesExceededError", requests: 4, fired: 4 })
      for (const [at, error] of [
        ["before", "PineconeConnectionError"],
        ["after", "PineconeConnectionError"],
        // the client does not wrap what breaks while it reads the body
        ["headers", "TypeError"]
      ] as const) {
        const reset = yield* upsertWith(FaultPlan.reset(at))
        assert.deepStrictEqual(reset, { error, requests: 1, fired: 1 })
      }
      const slow = yield* upsertWith(FaultPlan.stall("50 millis"))
      assert.deepStrictEqual(slow, { error: "none", requests: 1, fired: 1 })

      const stranger = clientOf(emulator).index({ host })
      yield* Effect.promise(() => fails(stranger.describeIndexStats(), "PineconeAuthorizationError"))
    })
  )

  it.effect("15: reads its writes once they are indexed", () =>
    Effect.gen(function* () {
      const emulator = yield* PineconeEmulator.make({ visibleAfter: "2 seconds" })
      const { host } = yield* emulator.createIndex({ name: "demo", dimension: 2 })
      let headers = new Headers()
      const fetchApi: typeof fetch = async (input, init) => {
        const response = await fetch(input, init)
        headers = response.headers
        return response
      }
      const index = clientOf(emulator, { fetchApi }).index({ host })
      const query = Effect.promise(async () => {
        const { matches } = await index.query({ vector: [1, 2], topK: 1 })
        return { found: matches.length, indexed: Number(headers.get("x-pinecone-max-indexed-lsn")) }
      })
      yield* Effect.promise(() => index.upsert({ records: [{ id: "a", values: [1, 2] }] }))
      const lsn = Number(headers.get("x-pinecone-request-lsn"))
      const early = yield* query
      assert.strictEqual(early.found, 0)
      assert.isBelow(early.indexed, lsn)
      yield* TestClock.adjust("1999 millis")
      assert.strictEqual((yield* query).found, 0)
      yield* TestClock.adjust("1 millis")
      const late = yield* query
      assert.strictEqual(late.found, 1)
      assert.isAtLeast(late.indexed, lsn)
    })
  )
})
