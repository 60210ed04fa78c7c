import { Unavailable, Unauthorized } from "@effect-connectors/core/ConnectorError"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import type { PineconeIndex, UpsertRequest } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { accept, atServer, changed, counts, inMemory, numbers, stored, upserted } from "./support/index.ts"
import { assertOneEach, run, runAll, writeAll } from "../../../test/support/outcomes.ts"
import { refusalOf } from "./support/secrets.ts"
import { settle } from "./support/time.ts"

interface Page {
  readonly url: string
  readonly offset: number
  readonly tenant: string
  readonly embedding: Float32Array
}

const pages: ReadonlyArray<Page> = Array.from({ length: 10 }, (_, i) => ({
  url: `https://example.org/${i}`,
  offset: 1000 + i,
  tenant: i % 2 === 0 ? "even" : "odd",
  embedding: Float32Array.of(i + 1, -0.1, 1 / 3)
}))

const record = (page: Page): VectorRecord => ({
  id: page.url,
  values: page.embedding,
  metadata: { offset: page.offset }
})

/** Records a to z, of growing values. */
const letters = Array.from({ length: 26 }, (_, i) => ({ id: String.fromCharCode(97 + i), values: [i + 1, 1] }))

const refused = (reason: Unavailable | Unauthorized) => new PineconeError({ operation: "upsert", reason })

describe("upsert", () => {
  it.effect("the plain form emits what was written", () =>
    Effect.gen(function* () {
      const written = yield* Stream.runCollect(PineconeSink.upsert()(Stream.fromIterable(letters)))
      assertOneEach(letters, written)
      assert.deepStrictEqual(yield* counts, { __default__: 26 })
      assert.deepStrictEqual(numbers(yield* stored("c")), [3, 1])
    }).pipe(inMemory())
  )

  it.effect("the plain form writes all it can, then fails with a list of the rest", () =>
    Effect.gen(function* () {
      const bad = { id: "bad", values: [1, 2, 3] }
      const elements = [...letters.slice(0, 3), bad, ...letters.slice(3)]
      const emitted: Array<unknown> = []
      const error = yield* Stream.fromIterable(elements).pipe(
        PineconeSink.upsert(),
        Stream.runForEach(({ input }) => Effect.sync(() => emitted.push(input))),
        refusalOf
      )
      assert(error._tag === "RecordsNotWritten")
      assert.include(error, { written: 26, rejected: 1, unknown: 0 })
      assert.deepStrictEqual(
        error.first.map(({ input }) => input),
        [bad]
      )
      assert.sameMembers(emitted, letters)
      assert.deepStrictEqual(yield* counts, { __default__: 26 })
    }).pipe(inMemory({ dimension: 2 }))
  )

  it.effect("outcomes bring the elements back, whatever is written of them", () =>
    Effect.gen(function* () {
      const { written } = yield* runAll(pages, PineconeSink.upsertOutcomes({ record }))
      assert.sameMembers([...written], [...pages])
      const found = yield* stored("https://example.org/3")
      assert.deepStrictEqual(found?.metadata, { offset: 1003 })
    }).pipe(inMemory())
  )

  it.effect("what an element has beside a record's fields is not sent", () =>
    Effect.gen(function* () {
      const sent: Array<UpsertRequest> = []
      yield* writeAll([{ id: "a", values: [1], note: "x" }], PineconeSink.upsertOutcomes()).pipe(
        changed((service) => ({
          upsert: (request) =>
            Effect.andThen(
              Effect.sync(() => sent.push(request)),
              service.upsert(request)
            )
        }))
      )
      assert.notInclude(JSON.stringify(sent), "note")
    })
  )

  it.effect("into the layer's namespace, a fixed one, and one for each element", () =>
    Effect.gen(function* () {
      yield* writeAll(pages, PineconeSink.upsertOutcomes({ record }))
      yield* writeAll(pages.slice(0, 3), PineconeSink.upsertOutcomes({ record, namespace: "fixed" }))
      yield* writeAll(pages, PineconeSink.upsertOutcomes({ record, namespace: (page: Page) => page.tenant }))
      assert.deepStrictEqual(yield* counts, { layers: 10, fixed: 3, even: 5, odd: 5 })
      assert.isUndefined(yield* stored("https://example.org/3", "even"))
      assert.isDefined(yield* stored("https://example.org/3", "odd"))
    }).pipe(inMemory({ namespace: "layers" }))
  )

  it.effect("Float32Array and arrays of numbers are both stored as float32, to the bit", () =>
    Effect.gen(function* () {
      const doubles = [0.1, -1 / 3, Math.PI * 1e-20, 16_777_217, -0, 3.4028234663852886e38, 2 ** -149]
      yield* writeAll(
        [
          { id: "array", values: doubles },
          { id: "typed", values: Float32Array.from(doubles) }
        ],
        PineconeSink.upsertOutcomes()
      )
      const expected = doubles.map(Math.fround)
      for (const id of ["array", "typed"]) {
        const values = numbers(yield* stored(id))
        assert.strictEqual(values.length, expected.length)
        values.forEach((value, i) => assert.isTrue(Object.is(value, expected[i]), `${id}[${i}] is ${value}`))
      }
    }).pipe(inMemory({ metric: "dotproduct" }))
  )

  it.live("Float32Array goes over the wire as numbers that read back as the same float32", () =>
    atServer(accept(1), (server) =>
      Effect.gen(function* () {
        yield* writeAll(pages, PineconeSink.upsertOutcomes({ record }))
        const sent = new Map(upserted(server).map(({ id, values }) => [id, values]))
        for (const { embedding, url } of pages) {
          assert.deepStrictEqual(Float32Array.from(sent.get(url) ?? []), embedding)
        }
      })
    )
  )

  it.effect("sparse vectors, alone or beside dense ones", () =>
    Effect.gen(function* () {
      const indices = Uint32Array.of(4_294_967_295, 7)
      const values = Float32Array.of(0.5, 2)
      const sparse = { id: "s", sparseValues: { indices, values } }
      yield* inMemory({ vectorType: "sparse" })(
        Effect.gen(function* () {
          yield* writeAll([sparse], PineconeSink.upsertOutcomes())
          const found = (yield* stored("s"))?.sparseValues
          assert.deepStrictEqual(Array.from(found?.indices ?? []), [7, 4_294_967_295])
          assert.deepStrictEqual(Array.from(found?.values ?? []), [2, 0.5])
        })
      )
      const hybrid = { ...sparse, values: [1, 2] }
      yield* inMemory({ metric: "dotproduct" })(
        Effect.gen(function* () {
          yield* writeAll([hybrid], PineconeSink.upsertOutcomes())
          assert.deepStrictEqual(numbers(yield* stored("s")), [1, 2])
          assert.isDefined((yield* stored("s"))?.sparseValues)
        })
      )
      yield* inMemory()(
        Effect.gen(function* () {
          const dense = { id: "d", values: [1, 2] }
          const elements: ReadonlyArray<VectorRecord> = [dense, hybrid]
          const { notWritten, written } = yield* runAll(elements, PineconeSink.upsertOutcomes())
          assert.deepStrictEqual(written, [dense])
          assert.match(notWritten[0]?.error.message ?? "", /record "s": .*does not support sparse values/)
        })
      )
    })
  )

  it.live("200 records of 1536 numbers are over 3 MB: they go out in calls of at most 2 MB", () =>
    atServer(accept(10), (server) =>
      Effect.gen(function* () {
        const records = Array.from({ length: 200 }, (_, n) => ({
          id: `${n}`,
          values: Array.from({ length: 1536 }, (_, i) => Math.sin(n * 1536 + i) / 7)
        }))
        yield* writeAll(records, PineconeSink.upsertOutcomes({ maxRecords: 200 }))
        const sizes = server.received.map(({ body }) => Buffer.byteLength(body))
        for (const size of sizes) assert.isAtMost(size, 2_000_000)
        // Two calls are the fewest that can hold it.
        assert.lengthOf(sizes, 2)
        assert.sameMembers(
          upserted(server).map(({ id }) => id),
          records.map(({ id }) => id)
        )
        const last = upserted(server).find(({ id }) => id === "199")
        assert.deepStrictEqual(Float32Array.from(last?.values ?? []), Float32Array.from(records[199]?.values ?? []))
      })
    )
  )

  it.live.each([
    { options: {}, expected: [20, 6] },
    { options: { maxRecords: 12 }, expected: [12, 12, 2] },
    { options: { maxRecords: 500 }, expected: [20, 6] },
    { options: { maxBytes: 200 }, expected: [6, 6, 5, 5, 4] }
  ])("batches keep to the layer's limit of 20 records and to $options", ({ expected, options }) =>
    atServer(
      accept(10),
      (server) =>
        Effect.gen(function* () {
          yield* writeAll(letters, PineconeSink.upsertOutcomes(options))
          const sizes = server.received.map(({ body }): number => JSON.parse(body).vectors.length)
          assert.deepStrictEqual(
            sizes.sort((a, b) => b - a),
            expected
          )
          for (const { body } of server.received)
            assert.isAtMost(Buffer.byteLength(body), options.maxBytes ?? 2_000_000)
        }),
      { maxRecords: 20 }
    )
  )

  it.effect("one bad record in a batch costs a few calls, and no other record", () =>
    Effect.gen(function* () {
      let calls = 0
      const bad = { id: "bad", values: [1, 2, 3] }
      const elements = [...letters.slice(0, 13), bad, ...letters.slice(13)]
      yield* Effect.gen(function* () {
        const { notWritten } = yield* runAll(elements, PineconeSink.upsertOutcomes())
        assert.deepStrictEqual(
          notWritten.map(({ input }) => input),
          [bad]
        )
        assert.deepStrictEqual(yield* counts, { __default__: 26 })
      }).pipe(
        changed(
          (service) => ({
            upsert: (request) =>
              Effect.suspend(() => {
                calls++
                return service.upsert(request)
              }),
            // Only the store may find the bad record.
            dimension: undefined
          }),
          { dimension: 2 }
        )
      )
      assert.isAtLeast(calls, 3)
      assert.isAtMost(calls, 11)
    })
  )

  it.effect("an answer that is lost is an unknown outcome", () =>
    Effect.gen(function* () {
      const { notWritten, written } = yield* runAll(
        letters,
        PineconeSink.upsertOutcomes({ maxRecords: 13, retry: { maxAttempts: 1 } })
      )
      assert.lengthOf(written, 13)
      assert.lengthOf(notWritten, 13)
      for (const outcome of notWritten) assert.include(outcome, { _tag: "Unknown", attempts: 1 })
    }).pipe(
      changed((service) => ({
        upsert: (request) =>
          request.records.some(({ id }) => id === "a")
            ? Effect.andThen(service.upsert(request), Effect.fail(refused(new Unavailable({ detail: "down" }))))
            : service.upsert(request)
      }))
    )
  )

  it.live("a count of the service below that of the ids sent leaves the outcomes unknown", () =>
    atServer([{ body: { upsertedCount: 1 } }, { body: { upsertedCount: 2 } }, { body: { upsertedCount: 3 } }], () =>
      Effect.gen(function* () {
        const three = letters.slice(0, 3)
        const { notWritten } = yield* runAll(three, PineconeSink.upsertOutcomes())
        assert.lengthOf(notWritten, 3)
        for (const { _tag, error } of notWritten) {
          assert.strictEqual(_tag, "Unknown")
          assert.strictEqual(error.reason._tag, "InvalidResponse")
          assert.match(error.message, /the service counted 1 of 3 records/)
        }
        // An id that is sent twice may be counted once.
        const twice = [...letters.slice(0, 2), { id: "a", values: [7, 7] }]
        yield* writeAll(twice, PineconeSink.upsertOutcomes({ duplicates: "sendAll" }))
        yield* writeAll(three, PineconeSink.upsertOutcomes())
      })
    )
  )

  it.live("no room for a new namespace concerns its records only", () => {
    const full = "Request failed. You've reached the max namespaces allowed in serverless index articles (100)."
    return atServer([{ status: 403, body: { code: 7, message: full } }, {}], (server) =>
      Effect.gen(function* () {
        const elements = [
          { id: "a", values: [1], namespace: "new" },
          { id: "b", values: [1], namespace: "old" }
        ]
        const { notWritten, written } = yield* runAll(
          elements,
          PineconeSink.upsertOutcomes({
            record: ({ id, values }: (typeof elements)[number]) => ({ id, values }),
            namespace: (element) => element.namespace,
            concurrency: 1
          })
        )
        assert.deepStrictEqual(written, [elements[1]])
        assert.deepInclude(notWritten[0]?.error.reason, { _tag: "Forbidden", scope: "namespace", detail: full })
        assert.lengthOf(server.received, 2)
      })
    )
  })

  it.effect("what stops all progress ends the stream, with an outcome for each element taken in", () =>
    Effect.gen(function* () {
      const { exit, notWritten, written } = yield* run(
        letters,
        PineconeSink.upsertOutcomes({ maxRecords: 10, concurrency: 1 })
      )
      assert.isTrue(Exit.isFailure(exit))
      assert.lengthOf(written, 10)
      assert.lengthOf(notWritten, 16)
      for (const { _tag, error } of notWritten) {
        assert.strictEqual(_tag, "Rejected")
        assert.strictEqual(error.reason._tag, "Unauthorized")
      }
    }).pipe(
      changed((service) => ({
        upsert: (request) =>
          request.records.some(({ id }) => id === "k")
            ? Effect.fail(refused(new Unauthorized({ detail: "no" })))
            : service.upsert(request)
      }))
    )
  )

  it.effect("the source's own failure comes after what it gave was written", () =>
    Effect.gen(function* () {
      const { exit, written } = yield* run(letters, (self) =>
        self.pipe(Stream.concat(Stream.fail("the source broke" as const)), PineconeSink.upsertOutcomes())
      )
      assert.deepStrictEqual(exit, Exit.fail("the source broke" as const))
      assert.sameMembers([...written], letters)
      assert.deepStrictEqual(yield* counts, { __default__: 26 })
    }).pipe(inMemory())
  )

  it.effect("a batch of a slow source leaves after the linger", () =>
    Effect.gen(function* () {
      const slow = Stream.concat(Stream.fromIterable(letters), Stream.never)
      const written: Array<{ readonly input: unknown }> = []
      const fiber = yield* slow.pipe(
        PineconeSink.upsert({ linger: "3 seconds" }),
        Stream.runForEach((outcome) => Effect.sync(() => written.push(outcome))),
        Effect.forkChild
      )
      yield* TestClock.adjust("2999 millis")
      assert.deepStrictEqual(yield* counts, {})
      yield* TestClock.adjust("1 millis")
      yield* settle
      assert.deepStrictEqual(yield* counts, { __default__: 26 })
      assertOneEach(letters, written)
      yield* Fiber.interrupt(fiber)
    }).pipe(inMemory())
  )

  it.live("interruption cancels the calls in flight", () =>
    atServer(["hang"], (server) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Stream.runDrain(Stream.fromIterable(letters).pipe(PineconeSink.upsert())))
        yield* Effect.promise(() => server.hanging)
        yield* Fiber.interrupt(fiber)
        yield* Effect.promise(() => server.gone)
      })
    )
  )
})

describe("the order of one id", () => {
  const versions = Array.from({ length: 6 }, (_, i) => ({ id: "a", values: [i + 1, 1] }))

  /** Earlier calls take longer, so that without an order they would land last. */
  const laterIsFaster = () => {
    let calls = 0
    return changed((service) => ({
      upsert: (request) =>
        Effect.suspend(() => Effect.andThen(Effect.sleep(100 - 10 * calls++), service.upsert(request))),
      update: (request) =>
        Effect.suspend(() => Effect.andThen(Effect.sleep(100 - 10 * calls++), service.update(request)))
    }))
  }

  const passing = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(effect)
      yield* TestClock.adjust("1 minute")
      return yield* Fiber.join(fiber)
    })

  it.effect("is kept across batches", () =>
    Effect.gen(function* () {
      yield* passing(writeAll(versions, PineconeSink.upsertOutcomes({ maxRecords: 1 })))
      assert.deepStrictEqual(numbers(yield* stored("a")), [6, 1])
    }).pipe(laterIsFaster())
  )

  it.effect("is kept for the two names of the default namespace", () =>
    Effect.gen(function* () {
      const elements = [
        { id: "a", values: [1, 1], namespace: "__default__" },
        { id: "a", values: [2, 1], namespace: "" }
      ]
      const namespace = (element: (typeof elements)[number]) => element.namespace
      const record = ({ id, values }: (typeof elements)[number]) => ({ id, values })
      yield* passing(writeAll(elements, PineconeSink.upsertOutcomes({ maxRecords: 1, namespace, record })))
      assert.deepStrictEqual(numbers(yield* stored("a")), [2, 1])
    }).pipe(laterIsFaster())
  )

  it.effect("is lost when it is not asked for", () =>
    Effect.gen(function* () {
      yield* passing(writeAll(versions, PineconeSink.upsertOutcomes({ maxRecords: 1, ordered: false })))
      assert.deepStrictEqual(numbers(yield* stored("a")), [1, 1])
    }).pipe(laterIsFaster())
  )

  it.effect("is kept by updates", () =>
    Effect.gen(function* () {
      yield* passing(writeAll([{ id: "a", values: [9, 9] }], PineconeSink.upsertOutcomes()))
      const changes = versions.map(({ id }, i) => ({ id, metadata: { version: i, [`field${i}`]: true } }))
      yield* passing(writeAll(changes, PineconeSink.updateOutcomes()))
      const found = yield* stored("a")
      assert.strictEqual(found?.metadata?.["version"], 5)
      assert.lengthOf(Object.keys(found?.metadata ?? {}), 7)
    }).pipe(laterIsFaster())
  )
})

describe("update", () => {
  const before: VectorRecord = { id: "a", values: [1, 2], metadata: { title: "A", year: 2020, tags: ["x"] } }

  it.effect("merges metadata and leaves the vector", () =>
    Effect.gen(function* () {
      yield* writeAll([before], PineconeSink.upsertOutcomes())
      const change = { id: "a", metadata: { year: 2021, read: true } }
      assertOneEach([change], yield* Stream.runCollect(PineconeSink.update()(Stream.make(change))))
      const found = yield* stored("a")
      assert.deepStrictEqual(found?.metadata, { title: "A", year: 2021, tags: ["x"], read: true })
      assert.deepStrictEqual(numbers(found), [1, 2])
    }).pipe(inMemory())
  )

  it.effect("replaces vectors and leaves the metadata", () =>
    Effect.gen(function* () {
      yield* writeAll([before], PineconeSink.upsertOutcomes())
      const sparseValues = { indices: [1], values: [0.5] }
      yield* writeAll([{ id: "a", values: Float32Array.of(3, 4), sparseValues }], PineconeSink.updateOutcomes())
      const found = yield* stored("a")
      assert.deepStrictEqual(numbers(found), [3, 4])
      assert.deepStrictEqual(Array.from(found?.sparseValues?.values ?? []), [0.5])
      assert.deepStrictEqual(found?.metadata, before.metadata)
    }).pipe(inMemory({ metric: "dotproduct" }))
  )

  it.effect("of an id that is not stored is no error, and stores nothing", () =>
    Effect.gen(function* () {
      yield* writeAll([before], PineconeSink.upsertOutcomes())
      yield* writeAll([{ id: "b", metadata: { year: 1 } }], PineconeSink.updateOutcomes())
      assert.deepStrictEqual(yield* counts, { __default__: 1 })
    }).pipe(inMemory())
  )

  it.effect("makes the change an element asks for, in the namespace it says", () =>
    Effect.gen(function* () {
      const namespace = (page: Page) => page.tenant
      yield* writeAll(pages, PineconeSink.upsertOutcomes({ record, namespace }))
      const update = (page: Page) => ({ id: page.url, metadata: { seen: page.offset } })
      yield* writeAll(pages, PineconeSink.updateOutcomes({ update, namespace }))
      const found = yield* stored("https://example.org/4", "even")
      assert.deepStrictEqual(found?.metadata, { offset: 1004, seen: 1004 })
    }).pipe(inMemory())
  )

  it.effect("refuses bad changes and makes the others", () =>
    Effect.gen(function* () {
      yield* writeAll([before], PineconeSink.upsertOutcomes())
      const fine: PineconeSink.Update = { id: "a", metadata: { ok: true } }
      const bad: ReadonlyArray<PineconeSink.Update> = [
        { id: "", metadata: {} },
        { id: "nan", values: [NaN] },
        { id: "null", metadata: JSON.parse(`{"x":null}`) },
        { id: "short", values: [1] },
        { id: "zero", values: [0, 0] },
        { id: "nothing" },
        { id: "as much", metadata: {} }
      ]
      const { notWritten, written } = yield* runAll([...bad, fine], PineconeSink.updateOutcomes())
      assert.deepStrictEqual(written, [fine])
      assert.sameMembers(
        notWritten.map(({ input }) => input),
        [...bad]
      )
      for (const { error, input } of notWritten) assert.include(error.message, `record ${JSON.stringify(input.id)}`)
      assert.deepStrictEqual((yield* stored("a"))?.metadata, { ...before.metadata, ok: true })

      const plain = yield* refusalOf(Stream.runDrain(PineconeSink.update()(Stream.fromIterable([...bad, fine]))))
      assert(plain._tag === "RecordsNotWritten")
      assert.include(plain, { written: 1, rejected: 7 })
    }).pipe(inMemory())
  )

  it.live("is one call for each change", () =>
    atServer(accept(3), (server) =>
      Effect.gen(function* () {
        const changes = letters.slice(0, 3)
        yield* writeAll(changes, PineconeSink.updateOutcomes({ namespace: "n" }))
        assert.sameDeepMembers(
          server.received.map(({ body }) => JSON.parse(body)),
          changes.map((change) => ({ ...change, namespace: "n" }))
        )
      })
    )
  )

  it.live("of more than 2 MB does not leave", () =>
    atServer(
      accept(1),
      (server) =>
        Effect.gen(function* () {
          const big: PineconeSink.Update = { id: "big", metadata: { text: "x".repeat(1000) } }
          const small: PineconeSink.Update = { id: "small", metadata: { text: "x" } }
          const { notWritten, written } = yield* runAll([big, small], PineconeSink.updateOutcomes())
          assert.deepStrictEqual(written, [small])
          assert.match(notWritten[0]?.error.message ?? "", /too large: record "big": it has \d+ bytes/)
          assert.lengthOf(server.received, 1)
        }),
      { maxRequestBytes: 1000 }
    )
  )
})

describe("delete", () => {
  it.effect("removes what is there, and what is not there is no error", () =>
    Effect.gen(function* () {
      yield* writeAll(letters, PineconeSink.upsertOutcomes())
      const ids = ["a", "nothing", "b", "a"]
      assertOneEach(ids, yield* Stream.runCollect(PineconeSink.delete()(Stream.fromIterable(ids))))
      assert.deepStrictEqual(yield* counts, { __default__: 24 })
      assert.isUndefined(yield* stored("a"))
      assert.isDefined(yield* stored("c"))
    }).pipe(inMemory())
  )

  it.effect("maps elements to ids and namespaces", () =>
    Effect.gen(function* () {
      const namespace = (page: Page) => page.tenant
      yield* writeAll(pages, PineconeSink.upsertOutcomes({ record, namespace }))
      yield* writeAll(pages.slice(0, 4), PineconeSink.deleteOutcomes({ id: (page: Page) => page.url, namespace }))
      assert.deepStrictEqual(yield* counts, { even: 3, odd: 3 })
    }).pipe(inMemory())
  )

  const ids = Array.from({ length: 2500 }, (_, i) => `id-${i}`)
  const sizes = (server: { readonly received: ReadonlyArray<{ readonly body: string }> }) =>
    server.received.map(({ body }) => JSON.parse(body).ids.length).sort((a, b) => b - a)

  it.live.each([
    { options: {}, expected: [1000, 1000, 500] },
    { options: { maxRecords: undefined }, expected: [1000, 1000, 500] },
    { options: { maxRecords: 5000 }, expected: [1000, 1000, 500] },
    { options: { maxRecords: 900 }, expected: [900, 900, 700] }
  ])("takes up to 1,000 ids a call: $options", ({ expected, options }) =>
    atServer(accept(5), (server) =>
      Effect.gen(function* () {
        yield* writeAll(ids, PineconeSink.deleteOutcomes(options))
        assert.deepStrictEqual(sizes(server), expected)
        assert.sameMembers(
          server.received.flatMap(({ body }) => JSON.parse(body).ids),
          ids
        )
      })
    )
  )

  it.live("of long ids keeps to the bytes of a call", () =>
    atServer(accept(9), (server) =>
      Effect.gen(function* () {
        const long = Array.from({ length: 1000 }, (_, i) => `${i}`.padEnd(512, "\u0001"))
        yield* writeAll(long, PineconeSink.deleteOutcomes())
        for (const { body } of server.received) assert.isAtMost(Buffer.byteLength(body), 2_000_000)
        assert.strictEqual(
          sizes(server).reduce((sum, size) => sum + size, 0),
          1000
        )
      })
    )
  )

  it.effect("refuses what is no id and removes the others", () =>
    Effect.gen(function* () {
      yield* writeAll(letters, PineconeSink.upsertOutcomes())
      const bad: ReadonlyArray<string> = ["", "x".repeat(513), JSON.parse("3")]
      const { notWritten, written } = yield* runAll([...bad, "a"], PineconeSink.deleteOutcomes())
      assert.deepStrictEqual(written, ["a"])
      assert.sameMembers(
        notWritten.map(({ input }) => input),
        [...bad]
      )
      const messages = notWritten.map(({ error }) => error.message)
      assert.deepStrictEqual(messages, [
        `Pinecone delete in namespace __default__: record "": id has 0 characters; it must have 1 to 512`,
        `Pinecone delete in namespace __default__: record "${"x".repeat(64)}...": id has 513 characters; it must have 1 to 512`,
        `Pinecone delete in namespace __default__: id must be text`
      ])
    }).pipe(inMemory())
  )

  it.live("a refusal of one id names it", () =>
    atServer([{ status: 400, body: "bad id" }], () =>
      Effect.gen(function* () {
        const { notWritten } = yield* runAll(["a"], PineconeSink.deleteOutcomes())
        assert.match(notWritten[0]?.error.message ?? "", /record "a": bad id/)
      })
    )
  )
})

describe("a namespace no record can be in", () => {
  interface Element {
    readonly id: string
    readonly namespace: string
  }
  const elements: ReadonlyArray<Element> = [
    { id: "first", namespace: "good" },
    { id: "long", namespace: "n".repeat(513) },
    { id: "accent", namespace: "über" },
    { id: "nul", namespace: "a\u0000" },
    { id: "number", namespace: JSON.parse("7") },
    { id: "last", namespace: "" }
  ]
  const namespace = (element: Element) => element.namespace
  const steps: ReadonlyArray<
    readonly [string, Parameters<typeof runAll<Element, PineconeError, PineconeError, PineconeIndex>>[1]]
  > = [
    ["upsert", PineconeSink.upsertOutcomes({ namespace, record: ({ id }: Element) => ({ id, values: [1] }) })],
    ["update", PineconeSink.updateOutcomes({ namespace, update: ({ id }: Element) => ({ id, values: [1] }) })],
    ["delete", PineconeSink.deleteOutcomes({ namespace, id: ({ id }: Element) => id })]
  ]

  it.live.each(steps)("%s refuses its records, and the others go on", ([, step]) =>
    atServer(accept(2), (server) =>
      Effect.gen(function* () {
        const { notWritten, written } = yield* runAll(elements, step)
        assert.sameMembers(
          written.map(({ id }) => id),
          ["first", "last"]
        )
        for (const { error, input } of notWritten) {
          assert.deepInclude(error.reason, { _tag: "InvalidRecord", id: input.id, field: "namespace" })
          assert.match(error.message, /record "\w+": namespace (has 513 char|holds ".*" at position|must be text)/)
          assert.isBelow(error.message.length, 300)
        }
        assert.sameMembers(
          server.received.map(({ body }) => JSON.parse(body).namespace),
          ["good", "__default__"]
        )
      })
    )
  )
})

describe("options that can not work", () => {
  const steps = {
    upsert: (options: object) => PineconeSink.upsertOutcomes(options),
    "upsert, plain": (options: object) => PineconeSink.upsert(options),
    update: (options: object) => PineconeSink.updateOutcomes(options),
    "update, plain": (options: object) => PineconeSink.update(options),
    delete: (options: object) => PineconeSink.deleteOutcomes(options),
    "delete, plain": (options: object) => PineconeSink.delete(options)
  }
  const options = [
    ["concurrency", 0],
    ["concurrency", -1],
    ["maxRecords", 0],
    ["maxRecords", NaN],
    ["maxBytes", 0]
  ] as const

  it.effect.each(options)("%s: %d", ([option, value]) =>
    Effect.gen(function* () {
      let pulled = 0
      const source: Stream.Stream<never> = Stream.fromEffectDrain(Effect.sync(() => pulled++))
      for (const [name, step] of Object.entries(steps)) {
        const result: Stream.Stream<unknown, unknown, PineconeIndex> = step({ [option]: value })(source)
        const error = yield* refusalOf(Stream.runDrain(result))
        assert(error instanceof PineconeError)
        assert.strictEqual(error.operation, name.split(",")[0])
        assert.deepInclude(error.reason, { _tag: "InvalidOption", option })
        assert.include(error.message, `option ${option} is ${value}; it must be a whole number of 1 or more`)
      }
      assert.strictEqual(pulled, 0)
    }).pipe(inMemory())
  )

  it.effect.each(["soon", -1])("linger: %s", (linger) =>
    Effect.gen(function* () {
      for (const step of Object.values(steps)) {
        const source: Stream.Stream<never> = Stream.empty
        const result: Stream.Stream<unknown, unknown, PineconeIndex> = step({ linger })(source)
        const error = yield* refusalOf(Stream.runDrain(result))
        assert(error instanceof PineconeError)
        assert.deepInclude(error.reason, { _tag: "InvalidOption", option: "linger" })
      }
    }).pipe(inMemory())
  )
})
