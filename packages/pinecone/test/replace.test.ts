import {
  ConnectionFailed,
  NotFound,
  RequestRefused,
  Unauthorized,
  Unavailable
} from "@effect-connectors/core/ConnectorError"
import * as Outcome from "@effect-connectors/core/Outcome"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex, type Service } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as PineconeSource from "@effect-connectors/pinecone/PineconeSource"
import * as TypedIndex from "@effect-connectors/pinecone/TypedIndex"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { assertOneEach, runAll, writeAll } from "../../../test/support/outcomes.ts"
import { changed, inMemory, numbers, stored } from "./support/index.ts"
import { refusalOf } from "./support/secrets.ts"
import { inTime } from "./support/time.ts"

const ints = (min: number, max: number) => Schema.Int.check(Schema.isBetween({ minimum: min, maximum: max }))

interface Doc {
  readonly name: string
  readonly version: number
  readonly chunks: ReadonlyArray<string>
  readonly namespace?: string
}

const doc = (name: string, version: number, ...chunks: ReadonlyArray<string>): Doc => ({ name, version, chunks })

const records = ({ chunks, name, version }: Doc): ReadonlyArray<VectorRecord> =>
  chunks.map((chunk) => ({ id: `${name}#${chunk}`, values: [version, 1], metadata: { version } }))

const options = { parent: ({ name }: Doc) => name, records }

const ids = (namespace?: string) => Stream.runCollect(PineconeSource.list({ namespace }))

const fails = (operation: string, reason: PineconeError["reason"]) =>
  Effect.fail(new PineconeError({ operation, reason }))

const down = new Unavailable({ detail: "down" })
const reset = new ConnectionFailed({ detail: "reset", sent: true })

describe("replace", () => {
  it.effect("stores what a document has now, and removes what it no longer has", () =>
    Effect.gen(function* () {
      yield* writeAll([doc("a", 1, "0", "1", "2"), doc("b", 1, "0", "1")], PineconeSink.replaceOutcomes(options))
      assert.deepStrictEqual(yield* ids(), ["a#0", "a#1", "a#2", "b#0", "b#1"])
      yield* writeAll([doc("a", 2, "0", "9")], PineconeSink.replaceOutcomes(options))
      assert.deepStrictEqual(yield* ids(), ["a#0", "a#9", "b#0", "b#1"])
      assert.deepStrictEqual(numbers(yield* stored("a#0")), [2, 1])
      assert.deepStrictEqual(numbers(yield* stored("b#0")), [1, 1])
    }).pipe(inMemory())
  )

  it.effect("a document without chunks is removed, and one that never was is no error", () =>
    Effect.gen(function* () {
      yield* writeAll([doc("nobody", 1)], PineconeSink.replaceOutcomes(options))
      yield* writeAll([doc("a", 1, "0"), doc("b", 1, "0")], PineconeSink.replaceOutcomes(options))
      yield* writeAll([doc("a", 2), doc("nobody", 1)], PineconeSink.replaceOutcomes(options))
      assert.deepStrictEqual(yield* ids(), ["b#0"])
    }).pipe(inMemory())
  )

  it.effect("documents whose names start alike, or hold the separator, keep their chunks", () =>
    Effect.gen(function* () {
      const others = [doc("doc1", 1, "0"), doc("doc10", 1, "0"), doc("a#b", 1, "0", "1"), doc("a##", 1, "0")]
      yield* writeAll([...others, doc("a", 1, "0", "b"), doc("doc", 1, "0")], PineconeSink.replaceOutcomes(options))
      yield* writeAll([doc("doc1", 2, "1"), doc("a", 2), doc("doc", 2)], PineconeSink.replaceOutcomes(options))
      assert.deepStrictEqual(yield* ids(), ["a###0", "a#b#0", "a#b#1", "doc1#1", "doc10#0"])
      yield* writeAll([doc("a#b", 2, "1")], PineconeSink.replaceOutcomes(options))
      assert.deepStrictEqual(yield* ids(), ["a###0", "a#b#1", "doc1#1", "doc10#0"])
    }).pipe(inMemory())
  )

  it.effect("another separator, of several characters", () =>
    Effect.gen(function* () {
      const step = PineconeSink.replaceOutcomes({
        parent: ({ name }: Doc) => name,
        records: (doc: Doc) => records(doc).map((record) => ({ ...record, id: record.id.replace("#", "::") })),
        separator: "::"
      })
      yield* writeAll([doc("a", 1, "0", "1#2"), doc("a:", 1, "0")], step)
      yield* writeAll([doc("a", 2, "1#2")], step)
      assert.deepStrictEqual(yield* ids(), ["a::1#2", "a:::0"])
    }).pipe(inMemory())
  )

  it.effect("ids that are not of the document are refused before anything is sent, and named", () =>
    Effect.gen(function* () {
      const bad = [doc("a", 1, "0", "x#1"), { ...doc("b", 1, "0"), stray: "c#0" }, doc("", 1, "é"), doc("ü", 1)]
      const { notWritten, written } = yield* runAll(
        [...bad, doc("ok", 1, "0")],
        PineconeSink.replaceOutcomes({
          parent: ({ name }: Doc & { readonly stray?: string }) => name,
          records: (element) => [
            ...records(element),
            ...(element.stray === undefined ? [] : [{ id: element.stray, values: [1, 1] }])
          ]
        })
      )
      assert.deepStrictEqual(
        written.map(({ name }) => name),
        ["ok"]
      )
      assert.sameDeepMembers(
        notWritten.map(({ _tag, attempts, error: { reason }, input }) => [
          input.name,
          _tag,
          attempts,
          reason._tag === "InvalidRecord" ? [reason.id, reason.field] : reason._tag
        ]),
        [
          ["a", "Rejected", 0, ["a#x#1", "id"]],
          ["b", "Rejected", 0, ["c#0", "id"]],
          ["ü", "Rejected", 0, [undefined, "parent"]],
          ["", "Rejected", 0, ["#é", "id"]]
        ]
      )
      assert.deepStrictEqual(yield* ids(), ["ok#0"])
    }).pipe(inMemory())
  )

  it.effect("each to its namespace", () =>
    Effect.gen(function* () {
      const within = (namespace: string, element: Doc): Doc => ({ ...element, namespace })
      const step = PineconeSink.replaceOutcomes({ ...options, namespace: (element: Doc) => element.namespace ?? "" })
      yield* writeAll([doc("a", 1, "0", "1"), within("n", doc("a", 1, "0", "1"))], step)
      yield* writeAll([within("n", doc("a", 2, "0"))], step)
      assert.deepStrictEqual([yield* ids("n"), yield* ids()], [["a#0"], ["a#0", "a#1"]])
    }).pipe(inMemory())
  )

  it.effect("chunks of many documents share calls", () =>
    Effect.gen(function* () {
      const sizes: Array<number> = []
      const documents = Array.from({ length: 100 }, (_, i) => doc(`d${i}`, 1, "0", "1", "2"))
      yield* writeAll(documents, PineconeSink.replaceOutcomes(options)).pipe(
        changed((service) => ({
          upsert: (request) => {
            sizes.push(request.records.length)
            return service.upsert(request)
          }
        }))
      )
      assert.deepStrictEqual(sizes, [100, 100, 100])
    })
  )

  it.effect("a document of more chunks than a page of the list, or than a delete takes", () =>
    Effect.gen(function* () {
      const names = Array.from({ length: 2500 }, (_, i) => String(i))
      yield* writeAll([doc("a", 1, ...names), doc("b", 1, "0")], PineconeSink.replaceOutcomes(options))
      assert.strictEqual((yield* ids()).length, 2501)
      yield* writeAll([doc("a", 2, "7")], PineconeSink.replaceOutcomes(options))
      assert.deepStrictEqual(yield* ids(), ["a#7", "b#0"])
    }).pipe(inMemory())
  )

  it.effect("versions of one document follow each other without waiting for the linger", () =>
    Effect.gen(function* () {
      const versions = [
        doc("a", 1, "0", "1"),
        doc("a", 2, "1", "2"),
        doc("b", 1, "0"),
        doc("a", 3),
        doc("a", 4, "0", "3"),
        doc("b", 2, "1")
      ]
      // Nothing moves the test clock.
      yield* writeAll(versions, PineconeSink.replaceOutcomes({ ...options, linger: Duration.infinity }))
      assert.deepStrictEqual(yield* ids(), ["a#0", "a#3", "b#1"])
      assert.deepStrictEqual((yield* stored("a#0"))?.metadata, { version: 4 })
    }).pipe(inMemory())
  )

  it.effect("the plain form fails with the documents that were not replaced", () =>
    Effect.gen(function* () {
      const bad = doc("a", 1, "x#1")
      const error = yield* Stream.make(bad, doc("b", 1, "0")).pipe(
        PineconeSink.replace(options),
        Stream.runDrain,
        refusalOf
      )
      assert(error._tag === "RecordsNotWritten")
      assert.include(error, { written: 1, rejected: 1 })
      assert.strictEqual(error.first[0]?.input, bad)
    }).pipe(inMemory())
  )

  it.effect("an empty separator is refused", () =>
    Effect.gen(function* () {
      const error = yield* Stream.make(doc("a", 1)).pipe(
        PineconeSink.replace({ ...options, separator: "" }),
        Stream.runDrain,
        refusalOf
      )
      assert.include(error.message, "separator")
    }).pipe(inMemory())
  )

  it.effect("with a metadata schema", () =>
    Effect.gen(function* () {
      const typed = TypedIndex.make(Schema.Struct({ at: Schema.DateFromMillis }))
      const step = typed.replaceOutcomes({
        parent: ({ name }: Doc) => name,
        records: (doc: Doc) =>
          records(doc).map(({ id, values }) => ({ id, values, metadata: { at: new Date(doc.version) } }))
      })
      yield* writeAll([doc("a", 5, "0")], step)
      assert.deepStrictEqual((yield* stored("a#0"))?.metadata, { at: 5 })
    }).pipe(inMemory())
  )
})

describe("replace, when a call fails", () => {
  /** Stores two documents of two chunks, then replaces each by one other chunk while `change` is at work. */
  const replaced = (change: (service: Service) => Partial<Service>) =>
    Effect.gen(function* () {
      const index = yield* PineconeIndex
      yield* writeAll([doc("a", 1, "0", "1"), doc("b", 1, "0", "1")], PineconeSink.replaceOutcomes(options))
      const outcomes = yield* inTime(
        runAll(
          [doc("a", 2, "1", "2"), doc("b", 2, "1", "2")],
          PineconeSink.replaceOutcomes({ ...options, retry: { maxAttempts: 2 } })
        ).pipe(Effect.provideService(PineconeIndex, { ...index, ...change(index) }))
      )
      return { ...outcomes, ids: yield* ids() }
    }).pipe(inMemory())

  const verdicts = (outcomes: ReadonlyArray<Outcome.Outcome<Doc, PineconeError>>) =>
    Object.fromEntries(
      outcomes.map((outcome) => [
        outcome.input.name,
        Outcome.isWritten(outcome)
          ? outcome._tag
          : `${outcome._tag}: ${outcome.error.operation} ${outcome.error.reason._tag}, ${outcome.attempts}`
      ])
    )

  it.effect("a refused chunk: nothing of its document is removed, and it says why", () =>
    Effect.gen(function* () {
      const result = yield* replaced((index) => ({
        upsert: (request) =>
          request.records.some(({ id }) => id === "a#2")
            ? fails("upsert", new RequestRefused({ detail: "no" }))
            : index.upsert(request)
      }))
      assert.match(verdicts(result.outcomes)["a"] ?? "", /^Rejected: upsert RequestRefused/)
      assert.strictEqual(verdicts(result.outcomes)["b"], "Written")
      assert.deepStrictEqual(result.ids, ["a#0", "a#1", "b#1", "b#2"])
    })
  )

  it.effect("a lost answer to a chunk: nothing is removed, and it is unknown", () =>
    Effect.gen(function* () {
      const result = yield* replaced((index) => ({
        upsert: (request) => Effect.andThen(index.upsert(request), fails("upsert", reset))
      }))
      assert.deepStrictEqual(verdicts(result.outcomes), {
        a: "Unknown: upsert ConnectionFailed, 2",
        b: "Unknown: upsert ConnectionFailed, 2"
      })
      assert.deepStrictEqual(result.ids, ["a#0", "a#1", "a#2", "b#0", "b#1", "b#2"])
    })
  )

  it.effect("a list that fails: nothing is removed", () =>
    Effect.gen(function* () {
      const result = yield* replaced((index) => ({
        list: (request) => (request.prefix === "a#" ? fails("list", down) : index.list(request))
      }))
      assert.deepStrictEqual(verdicts(result.outcomes), { a: "Rejected: list Unavailable, 2", b: "Written" })
      assert.deepStrictEqual(result.ids, ["a#0", "a#1", "a#2", "b#1", "b#2"])
    })
  )

  it.effect("a delete that fails, or whose answer is lost", () =>
    Effect.gen(function* () {
      const result = yield* replaced((index) => ({
        delete: (request) =>
          "ids" in request && request.ids.includes("a#0")
            ? Effect.andThen(index.delete(request), fails("delete", reset))
            : fails("delete", new RequestRefused({ detail: "no" }))
      }))
      assert.deepStrictEqual(verdicts(result.outcomes), {
        a: "Unknown: delete ConnectionFailed, 2",
        b: "Rejected: delete RequestRefused, 1"
      })
      assert.deepStrictEqual(result.ids, ["a#1", "a#2", "b#0", "b#1", "b#2"])
    })
  )

  it.effect("a namespace that is not there has nothing to remove", () =>
    runAll([doc("a", 1)], PineconeSink.replaceOutcomes(options)).pipe(
      Effect.map(({ written }) => assert.strictEqual(written.length, 1)),
      changed(() => ({ list: () => fails("list", new NotFound({ resource: "namespace", called: "n" })) }))
    )
  )

  for (const operation of ["upsert", "list", "delete"] as const) {
    it.effect(
      `a key that is refused by ${operation} ends the stream, after an outcome for each document taken in`,
      () =>
        Effect.gen(function* () {
          const index = yield* PineconeIndex
          const before = Array.from({ length: 40 }, (_, i) => doc(`d${i}`, 1, "0", "1"))
          yield* writeAll(before, PineconeSink.replaceOutcomes(options))
          const refused = () => fails(operation, new Unauthorized({ detail: "no" }))
          const taken: Array<Doc> = []
          const outcomes: Array<Outcome.Outcome<Doc, PineconeError>> = []
          const exit = yield* Stream.fromIterable(before, { chunkSize: 3 }).pipe(
            Stream.map(({ name }) => (name === "d7" ? doc("d6", 3, "1") : doc(name, 2, "1"))),
            PineconeSink.replaceOutcomes({
              parent: (element: Doc) => {
                taken.push(element)
                return element.name
              },
              records,
              maxRecords: 5,
              concurrency: 2
            }),
            Stream.runForEach((outcome) => Effect.sync(() => outcomes.push(outcome))),
            Effect.exit,
            Effect.provideService(PineconeIndex, { ...index, [operation]: refused })
          )
          assert.isTrue(Exit.isFailure(exit))
          assertOneEach(taken, outcomes)
          assert.isAbove(taken.length, 0)
          assert.isBelow(taken.length, before.length)
          assert.isTrue(outcomes.every(Outcome.isNotWritten))
        }).pipe(inMemory())
    )
  }

  it.effect("a source that fails: what it gave before is replaced first", () =>
    Effect.gen(function* () {
      const outcomes: Array<Outcome.Outcome<Doc, PineconeError>> = []
      yield* writeAll([doc("a", 1, "0"), doc("b", 1, "0")], PineconeSink.replaceOutcomes(options))
      const error = yield* Stream.make(doc("a", 2, "1"), doc("b", 2)).pipe(
        Stream.concat(Stream.fail("broken" as const)),
        PineconeSink.replaceOutcomes(options),
        Stream.runForEach((outcome) => Effect.sync(() => outcomes.push(outcome))),
        Effect.flip
      )
      assert.strictEqual(error, "broken")
      assert.deepStrictEqual(verdicts(outcomes), { a: "Written", b: "Written" })
      assert.deepStrictEqual(yield* ids(), ["a#1"])
    }).pipe(inMemory())
  )
})

const Version = Schema.Struct({
  name: Schema.Literals(["a", "a#b", "ab"]),
  chunks: Schema.Array(Schema.Literals(["0", "1", "2", "3"])).check(Schema.isMaxLength(5)),
  gap: Schema.Literals([0, 0, 5, 40])
})

describe("replace, by property", () => {
  it.effect.prop(
    "each document ends as its last version that was replaced, whatever is late or fails for a moment",
    {
      versions: Schema.Array(Version).check(Schema.isMaxLength(15)),
      chunkSize: ints(1, 5),
      maxRecords: ints(1, 6),
      concurrency: ints(1, 4),
      linger: ints(0, 60),
      latencies: Schema.Array(ints(0, 50)).check(Schema.isMaxLength(7)),
      faults: Schema.Array(Schema.Literals(["none", "none", "down", "lost"])).check(Schema.isMaxLength(7))
    },
    ({ versions, chunkSize, latencies, faults, ...settings }) =>
      Effect.gen(function* () {
        const index = yield* PineconeIndex
        let calls = 0
        const call = <A>(effect: Effect.Effect<A, PineconeError>) =>
          Effect.suspend(() => {
            const at = calls++
            const fault = [...faults, "none"][at % (faults.length + 1)]
            const answer: Effect.Effect<A, PineconeError> =
              fault === "down"
                ? fails("test", down)
                : fault === "lost"
                  ? Effect.andThen(effect, fails("test", reset))
                  : effect
            return Effect.delay(answer, latencies[at % Math.max(1, latencies.length)] ?? 0)
          })
        const documents = versions.map(({ chunks, gap, name }, version) => ({
          ...doc(name, version + 1, ...chunks),
          gap
        }))
        type Versioned = (typeof documents)[number]
        const step = (self: Stream.Stream<Versioned>) =>
          self.pipe(
            Stream.rechunk(chunkSize),
            Stream.mapArrayEffect((chunk) => Effect.as(Effect.sleep(chunk[0].gap), chunk)),
            PineconeSink.replaceOutcomes({
              parent: ({ name }: Versioned) => name,
              records,
              ...settings,
              retry: { base: 7, cap: 50, maxAttempts: 50 }
            })
          )
        yield* inTime(
          writeAll(documents, step).pipe(
            Effect.provideService(PineconeIndex, {
              ...index,
              upsert: (request) => call(index.upsert(request)),
              list: (request) => call(index.list(request)),
              delete: (request) => call(index.delete(request))
            })
          ),
          "5 millis"
        )
        const expected = new Map<string, number>()
        for (const name of ["a", "a#b", "ab"]) {
          const last = documents.findLast((document) => document.name === name)
          for (const chunk of last?.chunks ?? []) expected.set(`${name}#${chunk}`, last?.version ?? 0)
        }
        const found = yield* ids()
        assert.deepStrictEqual([...found], [...expected.keys()].sort())
        for (const [id, version] of expected) assert.deepStrictEqual((yield* stored(id))?.metadata, { version })
      }).pipe(inMemory())
  )
})
