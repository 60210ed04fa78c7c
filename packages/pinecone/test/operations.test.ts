import { ConnectionFailed, RequestRefused, Unavailable } from "@effect-connectors/core/ConnectorError"
import * as Outcome from "@effect-connectors/core/Outcome"
import * as Operation from "@effect-connectors/pinecone/Operation"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex, type Service, type WriteReply } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as TypedIndex from "@effect-connectors/pinecone/TypedIndex"
import type { Metadata, VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import * as TestClock from "effect/testing/TestClock"
import { accept, atServer, changed, counts, inMemory, numbers, stored } from "./support/index.ts"
import { run, runAll, writeAll } from "../../../test/support/outcomes.ts"
import { inTime, settle } from "./support/time.ts"

const ints = (min: number, max: number) => Schema.Int.check(Schema.isBetween({ minimum: min, maximum: max }))

const upsert = (id: string, n: number) => Operation.upsert({ id, values: [n, 1], metadata: { n } })
const update = (id: string, n: number) => Operation.update({ id, metadata: { changed: n } })

type Call = { readonly kind: "upsert" | "update" | "delete"; readonly ids: ReadonlyArray<string> }

/** Remembers the calls. */
const watched = (calls: Array<Call>) => (service: Service) => ({
  upsert: (request: Parameters<Service["upsert"]>[0]) => {
    calls.push({ kind: "upsert", ids: request.records.map(({ id }) => id) })
    return service.upsert(request)
  },
  update: (request: Parameters<Service["update"]>[0]) => {
    calls.push({ kind: "update", ids: [request.id] })
    return service.update(request)
  },
  delete: (request: Parameters<Service["delete"]>[0]) => {
    calls.push({ kind: "delete", ids: "ids" in request ? request.ids : [] })
    return service.delete(request)
  }
})

const Step = Schema.Struct({
  kind: Schema.Literals(["upsert", "update", "delete"]),
  id: Schema.Literals(["a", "b", "c"]),
  namespace: Schema.Literals(["one", "two"]),
  gap: Schema.Literals([0, 0, 0, 3, 40]),
  poison: Schema.Literals([false, false, false, true])
})
type Step = typeof Step.Type

type Kept = { readonly n: number; readonly changed?: number }

/** What one after the other leaves. */
const model = (steps: ReadonlyArray<Step & { readonly n: number }>): ReadonlyMap<string, Kept> => {
  const kept = new Map<string, Kept>()
  for (const { id, kind, n, namespace, poison } of steps) {
    const place = `${namespace}/${id}`
    const before = kept.get(place)
    if (kind === "delete") kept.delete(place)
    else if (poison) continue
    else if (kind === "upsert") kept.set(place, { n })
    else if (before !== undefined) kept.set(place, { ...before, changed: n })
  }
  return kept
}

const Fault = Schema.Literals(["none", "none", "none", "none", "down", "lost"])
type Fault = typeof Fault.Type

/** Calls that take their time, fail for a moment before or after they are applied, and refuse what is poison. */
const troubled = (latencies: ReadonlyArray<number>, faults: ReadonlyArray<Fault>) => {
  let calls = 0
  const fail = (reason: PineconeError["reason"]) => Effect.fail(new PineconeError({ operation: "test", reason }))
  const call = (write: Effect.Effect<WriteReply, PineconeError>, poison: boolean) =>
    Effect.suspend(() => {
      const fault = faults[calls % Math.max(1, faults.length)]
      const latency = latencies[calls % Math.max(1, latencies.length)] ?? 0
      calls++
      const answer: Effect.Effect<WriteReply, PineconeError> =
        fault === "down"
          ? fail(new Unavailable({ detail: "down" }))
          : poison
            ? fail(new RequestRefused({ detail: "poison" }))
            : fault === "lost"
              ? Effect.andThen(write, fail(new ConnectionFailed({ detail: "reset", sent: true })))
              : write
      // Half the time before it is applied, half after: answers come in another order than writes are done.
      return Effect.andThen(Effect.sleep(latency), Effect.tap(answer, Effect.sleep(latency / 2)))
    })
  const isPoison = (metadata: Metadata | undefined) => metadata?.["poison"] === true
  return (service: Service): Partial<Service> => ({
    upsert: (request) =>
      call(
        service.upsert(request),
        request.records.some(({ metadata }) => isPoison(metadata))
      ),
    update: (request) => call(service.update(request), isPoison(request.metadata)),
    delete: (request) => call(service.delete(request), false)
  })
}

describe("operations, by property", () => {
  it.effect.prop(
    "what is stored in the end is what one after the other leaves, and each has one outcome",
    {
      steps: Schema.Array(Step).check(Schema.isMaxLength(40)),
      chunkSize: ints(1, 8),
      maxRecords: ints(1, 6),
      concurrency: ints(1, 5),
      linger: ints(0, 60),
      latencies: Schema.Array(ints(0, 50)).check(Schema.isMaxLength(7)),
      faults: Schema.Array(Fault).check(Schema.isMaxLength(9)),
      duplicates: Schema.Literals(["lastWins", "sendAll"])
    },
    ({ steps, chunkSize, latencies, faults, ...options }) =>
      Effect.gen(function* () {
        // A series of faults only would outlast the retries.
        const sometimes = [...faults, "none" as const]
        const numbered = steps.map((step, n) => ({ ...step, n }))
        const places = ["one", "two"].flatMap((namespace) => ["a", "b", "c"].map((id) => ({ namespace, id })))
        const index = yield* PineconeIndex
        for (const namespace of ["one", "two"]) {
          yield* index.upsert({ namespace, records: [{ id: "seed", values: [1, 1] }] })
        }

        type Numbered = (typeof numbered)[number]
        const operation = ({ id, kind, n, poison }: Numbered): Operation.Operation => {
          const marked = poison ? { poison: true } : {}
          switch (kind) {
            case "upsert":
              return Operation.upsert({ id, values: [n + 1, 1], metadata: { n, ...marked } })
            case "update":
              return Operation.update({ id, metadata: { changed: n, ...marked } })
            case "delete":
              return Operation.delete(id)
          }
        }
        const step = (self: Stream.Stream<Numbered>) =>
          self.pipe(
            Stream.rechunk(chunkSize),
            Stream.mapArrayEffect((chunk) => Effect.as(Effect.sleep(chunk[0].gap), chunk)),
            PineconeSink.operationsOutcomes({
              ...options,
              operation,
              namespace: (element: Numbered) => element.namespace,
              retry: { base: 7, maxAttempts: 50 }
            })
          )
        const { exit, notWritten, written } = yield* inTime(
          run(numbered, step).pipe(
            Effect.provideService(PineconeIndex, { ...index, ...troubled(latencies, sometimes)(index) })
          ),
          "5 millis"
        )
        assert.isTrue(Exit.isSuccess(exit))
        assert.isTrue(notWritten.every(({ _tag, input }) => _tag === "Rejected" && input.poison))
        // In one batch, only the last of an id is sent: a refused one before it shares its outcome.
        if (options.duplicates === "sendAll") {
          assert.isTrue(written.every(({ kind, poison }) => kind === "delete" || !poison))
        }

        const expected = model(numbered)
        for (const { id, namespace } of places) {
          const found = yield* stored(id, namespace)
          assert.deepStrictEqual(found?.metadata, expected.get(`${namespace}/${id}`), `${namespace}/${id}`)
          if (found !== undefined) assert.strictEqual(numbers(found)[0], Number(found.metadata?.["n"]) + 1)
        }
      }).pipe(inMemory())
  )
})

describe("operations", () => {
  it.effect("those of one id across kinds, in batches otherwise", () =>
    Effect.gen(function* () {
      const calls: Array<Call> = []
      yield* Effect.gen(function* () {
        yield* writeAll([upsert("z", 0)], PineconeSink.operationsOutcomes())
        calls.length = 0
        yield* writeAll(
          [
            upsert("a", 1),
            upsert("b", 1),
            Operation.delete("a"),
            Operation.delete("y"),
            upsert("c", 1),
            upsert("a", 2),
            update("a", 7),
            upsert("d", 1)
          ],
          PineconeSink.operationsOutcomes({ concurrency: 4 })
        )
        assert.deepStrictEqual((yield* stored("a"))?.metadata, { n: 2, changed: 7 })
        assert.deepStrictEqual(yield* counts, { __default__: 5 })
      }).pipe(changed(watched(calls)))
      assert.deepStrictEqual(calls, [
        { kind: "upsert", ids: ["a", "b", "c"] },
        { kind: "delete", ids: ["a", "y"] },
        { kind: "upsert", ids: ["a", "d"] },
        { kind: "update", ids: ["a"] }
      ])
    })
  )

  it.effect("many of different ids need no more calls than if each kind came by itself", () =>
    Effect.gen(function* () {
      const calls: Array<Call> = []
      const mixed = Array.from({ length: 300 }, (_, i) => [upsert(`u${i}`, i), Operation.delete(`d${i}`)]).flat()
      yield* writeAll([upsert("z", 0), ...mixed], PineconeSink.operationsOutcomes()).pipe(changed(watched(calls)))
      assert.sameMembers(
        calls.map(({ kind, ids }) => `${kind} of ${ids.length}`),
        ["upsert of 1", "upsert of 100", "upsert of 100", "upsert of 100", "delete of 300"]
      )
    })
  )

  it.effect("a later one waits while an earlier one of its id is repeated, the others do not", () =>
    Effect.gen(function* () {
      const calls: Array<Call> = []
      let failing = true
      yield* Effect.gen(function* () {
        const index = yield* PineconeIndex
        yield* index.upsert({ records: [{ id: "z", values: [1, 1] }] })
        calls.length = 0
        const broken: Service = {
          ...index,
          upsert: (request) =>
            Effect.suspend(() =>
              failing && request.records.some(({ id }) => id === "a")
                ? Effect.fail(new PineconeError({ operation: "upsert", reason: new Unavailable({ detail: "down" }) }))
                : index.upsert(request)
            )
        }
        const fiber = yield* writeAll(
          [upsert("a", 1), Operation.delete("a"), Operation.delete("z"), upsert("b", 1)],
          PineconeSink.operationsOutcomes({ maxRecords: 1, retry: { base: "1 second", maxAttempts: 5 } })
        ).pipe(Effect.provideService(PineconeIndex, broken), Effect.forkChild)
        yield* settle
        assert.deepStrictEqual(yield* counts, { __default__: 1 })
        assert.isDefined(yield* stored("b"))
        assert.isFalse(calls.some(({ ids }) => ids.includes("a")))
        failing = false
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(
          calls.filter(({ ids }) => ids.includes("a")).map(({ kind }) => kind),
          ["upsert", "delete"]
        )
        assert.isUndefined(yield* stored("a"))
      }).pipe(changed(watched(calls)))
    })
  )

  it.effect("a delete in a namespace that is not there yet has nothing left to do", () =>
    Effect.gen(function* () {
      const counts = yield* Stream.make(Operation.delete("a"), upsert("a", 1), Operation.delete("b")).pipe(
        PineconeSink.operationsOutcomes({ namespace: "new" }),
        Stream.run(Outcome.count)
      )
      assert.deepStrictEqual(counts, { written: 3, rejected: 0, unknown: 0 })
      assert.deepStrictEqual(Array.from((yield* stored("a", "new"))?.values ?? []), [1, 1])
    }).pipe(inMemory())
  )

  it.effect("what is refused is not gathered without end while the service is silent", () =>
    Effect.gen(function* () {
      let pulled = 0
      const endless = Stream.fromEffectRepeat(
        Effect.sync(() => (pulled++ < 50 ? upsert(`${pulled}`, 1) : Operation.delete("")))
      )
      const fiber = yield* Effect.forkChild(
        endless.pipe(PineconeSink.operationsOutcomes({ maxRecords: 10, concurrency: 2 }), Stream.runDrain)
      )
      for (let i = 0; i < 20; i++) yield* settle
      const before = pulled
      for (let i = 0; i < 20; i++) yield* settle
      assert.strictEqual(pulled, before)
      assert.isBelow(pulled, 2000)
      yield* Fiber.interrupt(fiber)
    }).pipe(changed(() => ({ upsert: () => Effect.never })))
  )

  it.effect("without order a batch waits for none", () =>
    Effect.gen(function* () {
      const calls: Array<Call> = []
      yield* writeAll(
        [upsert("z", 0), upsert("a", 1), Operation.delete("b"), upsert("b", 1), Operation.delete("a"), upsert("c", 1)],
        PineconeSink.operationsOutcomes({ ordered: false })
      ).pipe(changed(watched(calls)))
      assert.strictEqual(calls.length, 2)
    })
  )

  it.effect("what is none, or has a bad part, is refused and named; the others are done", () =>
    Effect.gen(function* () {
      const elements: ReadonlyArray<unknown> = [
        upsert("a", 1),
        undefined,
        { _tag: "Replace", id: "a" },
        { _tag: "Upsert" },
        { _tag: "Delete" },
        Operation.upsert({ id: "b", values: [Number.NaN] }),
        Operation.upsert({ id: "c", values: [1, 2, 3] }),
        Operation.update({ id: "a" }),
        Operation.delete(""),
        upsert("d", 1)
      ]
      const { notWritten, written } = yield* runAll(
        elements,
        PineconeSink.operationsOutcomes({
          // What a caller without types may give.
          operation: (element): Operation.Operation => JSON.parse(JSON.stringify(element ?? null), revive)
        })
      )
      assert.strictEqual(written.length, 2)
      assert.deepStrictEqual(
        notWritten.map(({ _tag, error: { operation, reason }, input }) => [
          elements.indexOf(input),
          _tag,
          operation,
          reason._tag === "InvalidRecord" ? reason.field : reason._tag
        ]),
        [
          [1, "Rejected", "operations", "operation"],
          [2, "Rejected", "operations", "operation"],
          [3, "Rejected", "upsert", "record"],
          [4, "Rejected", "delete", "id"],
          [5, "Rejected", "upsert", "values"],
          [6, "Rejected", "upsert", "values"],
          [7, "Rejected", "update", "values"],
          [8, "Rejected", "delete", "id"]
        ]
      )
      assert.deepStrictEqual(yield* counts, { __default__: 2 })
    }).pipe(inMemory({ dimension: 2 }))
  )

  it.effect("a record that is larger than a call names its namespace", () =>
    Effect.gen(function* () {
      const { notWritten } = yield* runAll(
        [upsert("a", 1), Operation.upsert({ id: "big", values: [1, 1], metadata: { text: "x".repeat(2000) } })],
        PineconeSink.operationsOutcomes({ namespace: "n", maxBytes: 1000 })
      )
      assert.deepInclude(notWritten[0]?.error, { operation: "operations", namespace: "n" })
      assert.strictEqual(notWritten[0]?.error.reason._tag, "RecordTooLarge")
    }).pipe(inMemory())
  )

  it.effect("the plain form fails at its end", () =>
    Effect.gen(function* () {
      const error = yield* Stream.make(upsert("a", 1), upsert("", 1), Operation.delete("b")).pipe(
        PineconeSink.operations(),
        Stream.runDrain,
        Effect.flip
      )
      assert(error._tag === "RecordsNotWritten")
      assert.include(error, { written: 2, rejected: 1 })
    }).pipe(inMemory())
  )

  it.live("on the wire each is the call of its kind", () =>
    atServer(accept(3), (server) =>
      Effect.gen(function* () {
        yield* writeAll(
          [upsert("a", 1), update("a", 2), Operation.delete("a")],
          PineconeSink.operationsOutcomes({ namespace: "n" })
        )
        assert.deepStrictEqual(
          server.received.map(({ body, path }) => [path, JSON.parse(body)]),
          [
            ["/vectors/upsert", { namespace: "n", vectors: [{ id: "a", values: [1, 1], metadata: { n: 1 } }] }],
            ["/vectors/update", { namespace: "n", id: "a", setMetadata: { changed: 2 } }],
            ["/vectors/delete", { namespace: "n", ids: ["a"] }]
          ]
        )
      })
    )
  )
})

/** `JSON.stringify` makes `null` of NaN. */
const revive = (_: string, value: unknown): unknown =>
  Array.isArray(value) && value[0] === null ? [Number.NaN] : value

const Article = Schema.Struct({ title: Schema.String, at: Schema.DateFromMillis })
const articles = TypedIndex.make(Article, Article.mapFields(Struct.map(Schema.optionalKey)))

describe("operations with a metadata schema", () => {
  it.effect("are encoded with it, changes with that of changes", () =>
    Effect.gen(function* () {
      const record = { id: "a", values: [1, 1], metadata: { title: "A", at: new Date(5) } }
      yield* writeAll(
        [Operation.upsert(record), Operation.update({ id: "a", metadata: { at: new Date(6) } })],
        articles.operationsOutcomes()
      )
      assert.deepStrictEqual((yield* stored("a"))?.metadata, { title: "A", at: 6 })
      yield* Stream.make(Operation.delete("a")).pipe(articles.operations(), Stream.runDrain)
      assert.isUndefined(yield* stored("a"))
    }).pipe(inMemory())
  )

  it("go to JSON and back", () => {
    const schema = Schema.fromJsonString(Operation.schema(Article, Article.mapFields(Struct.map(Schema.optionalKey))))
    const all = [
      Operation.upsert({ id: "a", values: [1], metadata: { title: "A", at: new Date(5) } }),
      Operation.update({ id: "b", metadata: { at: new Date(7) } }),
      Operation.delete("c")
    ]
    for (const operation of all) {
      const text = Schema.encodeSync(schema)(operation)
      assert.deepStrictEqual(Schema.decodeSync(schema)(text), operation)
    }
    assert.deepStrictEqual(all.map(Operation.idOf), ["a", "b", "c"])
    const decode = Schema.decodeUnknownExit(Operation.Operation)
    for (const wrong of [{ _tag: "Delete", id: "" }, { _tag: "Upsert", record: { id: "a" } }, { _tag: "Move" }, null]) {
      assert.isTrue(Exit.isFailure(decode(wrong)))
    }
  })

  it("operations of untyped metadata are values of the schema", () => {
    const record: VectorRecord = { id: "a", values: [1], metadata: { n: 1 } }
    assert.deepStrictEqual(Schema.decodeUnknownSync(Operation.Operation)(Operation.upsert(record)), {
      _tag: "Upsert",
      record
    })
  })
})
