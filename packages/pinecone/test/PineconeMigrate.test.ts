import { NotFound, RequestRefused, Unavailable } from "@effect-connectors/core/ConnectorError"
import * as DeadLetter from "@effect-connectors/core/DeadLetter"
import * as Outcome from "@effect-connectors/core/Outcome"
import * as PineconeCompare from "@effect-connectors/pinecone/PineconeCompare"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeMigrate from "@effect-connectors/pinecone/PineconeMigrate"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { fill, makeKill, memoryIndex, toEnd, withStores } from "./support/kill.ts"
import { refusalOf } from "./support/secrets.ts"

type Service = PineconeIndex["Service"]

/** A record and where it goes, as a dead letter. */
const Placed = Schema.Struct({ namespace: Schema.String, record: VectorRecord })
type Placed = typeof Placed.Type

const many = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, i): VectorRecord => ({
    id: `${prefix}${String(i).padStart(4, "0")}`,
    values: [0.1, i + 1],
    metadata: { i }
  }))

const migrate = <E = never, R = never>(options: PineconeMigrate.Options<E, R>) =>
  toEnd(PineconeMigrate.migrate(options))

/** The report of a migration that is not whole. */
const reportOf = <E, R>(program: Effect.Effect<PineconeMigrate.Report, E | PineconeMigrate.NotMigrated, R>) =>
  Effect.map(refusalOf(program), (error) => {
    assert.instanceOf(error, PineconeMigrate.NotMigrated)
    return error.report
  })

const summarize = (a: Service, b: Service) =>
  toEnd(
    PineconeCompare.summarize(
      PineconeCompare.index(a, { namespaces: "all" }),
      PineconeCompare.index(b, { namespaces: "all" })
    )
  )

/** Refuses records, as the service does that names none of them. */
const refusing = (service: Service, bad: (id: string) => boolean): Service => ({
  ...service,
  upsert: (request) =>
    request.records.some(({ id }) => bad(id))
      ? Effect.fail(new PineconeError({ operation: "upsert", reason: new RequestRefused({ detail: "bad" }) }))
      : service.upsert(request)
})

const nothing = {
  records: 0,
  recordsBefore: 0,
  written: 0,
  rejected: 0,
  unknown: 0,
  deadLettered: 0,
  notWritten: 0,
  errors: []
}

const same = (count: number) => ({ ...PineconeCompare.empty, compared: count, same: count })

describe("migrate", () => {
  it.effect("copies every record of every namespace, whole, and compares", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex({ metric: "dotproduct" }), yield* memoryIndex({ metric: "dotproduct" })]
      yield* fill(from, many(250, "k"), "")
      yield* fill(from, [{ id: "s p", values: [1, 2], sparseValues: { indices: [9, 1], values: [0.1, 1] } }], "sparse")
      yield* fill(from, many(3, "k"), "Alpha")
      const report = yield* migrate({ from, to, namespaces: "all", run: "1" })
      assert.deepStrictEqual(report, { ...nothing, records: 254, written: 254, comparison: same(254) })
      assert.deepStrictEqual(yield* summarize(from, to), same(254))
    }).pipe(withStores)
  )

  it.effect("within an index, to another namespace; the namespace of the layer unless it is told", () =>
    Effect.gen(function* () {
      const index = yield* memoryIndex({ namespace: "old" })
      yield* fill(index, many(120, "k"))
      yield* fill(index, many(1, "k"), "other")
      const report = yield* migrate({ from: index, to: index, rename: () => "new", run: "1" })
      assert.deepInclude(report, { records: 120, comparison: same(120) })
      assert.deepStrictEqual(
        [...(yield* index.stats).namespaces],
        [
          ["old", 120],
          ["other", 1],
          ["new", 120]
        ]
      )
    }).pipe(withStores)
  )

  it.effect("of nothing", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex(), yield* memoryIndex()]
      for (const namespaces of [undefined, [], "all"] as const) {
        const report = yield* migrate({ from, to, namespaces, run: "1" })
        assert.deepStrictEqual(report, { ...nothing, comparison: PineconeCompare.empty })
      }
    }).pipe(withStores)
  )

  it.effect("killed at any step and run again, loses nothing and writes again no more than was open", () =>
    Effect.gen(function* () {
      const from = yield* memoryIndex()
      yield* fill(from, many(210, "k"), "one")
      yield* fill(from, many(60, "k"), "two")
      const settings = {
        namespaces: "all",
        maxOpen: 2,
        concurrency: 2,
        write: { maxRecords: 60, concurrency: 2 }
      } as const
      let at = 1
      for (let done = false; !done; at++) {
        const kill = makeKill(at)
        const to = yield* memoryIndex({ name: `copy ${at}` })
        let sent = 0
        const counting: Service = {
          ...to,
          upsert: (request) => Effect.suspend(() => ((sent += request.records.length), to.upsert(request)))
        }
        const first = PineconeMigrate.migrate({
          ...settings,
          from: kill.index(from),
          to: kill.index(counting),
          run: "1"
        })
        done = Option.isSome(yield* kill.run(first))
        const report = yield* migrate({ ...settings, from, to: counting, run: "1" })
        assert.deepStrictEqual(report, {
          ...nothing,
          records: 270,
          recordsBefore: report.recordsBefore,
          written: 270 - report.recordsBefore,
          comparison: same(270)
        })
        // Two pages open in one namespace, and the only one of the other.
        assert.isAtMost(sent - 270, 2 * 100 + 60)
      }
      assert.isAbove(at, 40)
    }).pipe(withStores)
  )

  it.effect("of the ids that start with a prefix, with a ledger of its own", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex(), yield* memoryIndex()]
      yield* fill(from, [...many(120, "a"), ...many(30, "b")])
      // It is not in the part that is copied, so it is none of its extra ones.
      yield* fill(to, [{ id: "c", values: [1, 1] }])
      const first = yield* migrate({ from, to, prefix: "a", run: "1" })
      assert.deepStrictEqual(first, { ...nothing, records: 120, written: 120, comparison: same(120) })
      const second = yield* migrate({ from, to, prefix: "b", run: "1" })
      assert.deepStrictEqual(second, { ...nothing, records: 30, written: 30, comparison: same(30) })
      const again = yield* migrate({ from, to, prefix: "a", run: "1" })
      assert.deepInclude(again, { recordsBefore: 120, written: 0 })
    }).pipe(withStores)
  )

  it.effect("run again when it is through, only compares", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex(), yield* memoryIndex()]
      yield* fill(from, many(120, "k"))
      yield* migrate({ from, to, run: "1" })
      yield* to.delete({ ids: ["k0007"] })
      yield* fill(to, [{ id: "x", values: [1, 1] }])
      const report = yield* reportOf(migrate({ from, to, run: "1" }))
      assert.deepStrictEqual(report, {
        ...nothing,
        records: 120,
        recordsBefore: 120,
        comparison: {
          ...same(119),
          compared: 121,
          missing: 1,
          extra: 1,
          first: [
            { _tag: "Missing", namespace: "__default__", id: "k0007" },
            { _tag: "Extra", namespace: "__default__", id: "x" }
          ]
        }
      })
      assert.deepInclude(yield* migrate({ from, to, run: "2" }), { written: 120, recordsBefore: 0 })
    }).pipe(withStores)
  )

  it.effect("keeps what is refused, goes on, and sends it again with the next run", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex(), yield* memoryIndex()]
      yield* fill(from, many(350, "k"))
      const bad = new Set(["k0000", "k0150", "k0151", "k0349"])
      const first = yield* refusalOf(migrate({ from, to: refusing(to, (id) => bad.has(id)), run: "1" }))
      assert.instanceOf(first, PineconeMigrate.NotMigrated)
      assert.deepInclude(first.report, { records: 350, written: 346, rejected: 4, notWritten: 4 })
      assert.deepInclude(first.report.comparison, { same: 346, missing: 4 })
      assert.match(
        first.message,
        /^4 records were not written; the comparison finds 4 missing and 0 different; .*"k0000": bad/
      )

      bad.delete("k0150")
      yield* from.delete({ ids: ["k0151"] })
      let sent: ReadonlyArray<string> = []
      const counting: Service = {
        ...to,
        upsert: (request) =>
          Effect.suspend(() => ((sent = [...sent, ...request.records.map(({ id }) => id)]), to.upsert(request)))
      }
      const second = yield* reportOf(migrate({ from, to: refusing(counting, (id) => bad.has(id)), run: "1" }))
      assert.deepInclude(second, { records: 350, recordsBefore: 350, written: 1, rejected: 2, notWritten: 2 })
      assert.deepStrictEqual(sent, ["k0150"])

      const third = yield* migrate({ from, to, run: "1" })
      assert.deepInclude(third, { written: 2, rejected: 0, notWritten: 0, comparison: same(349) })
    }).pipe(withStores)
  )

  it.effect("keeps a record whose id can not be written, too, and asks for it again as it is", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex(), yield* memoryIndex()]
      yield* fill(from, many(5, "k"))
      const old: VectorRecord = { id: "é", values: [1, 2] }
      const asked: Array<string> = []
      const withOld: Service = {
        ...from,
        list: (request) => Effect.map(from.list(request), (reply) => ({ ...reply, ids: [...reply.ids, old.id] })),
        fetch: (request) =>
          Effect.gen(function* () {
            const others = request.ids.filter((id) => id !== old.id)
            const found = Arr.isArrayNonEmpty(others) ? (yield* from.fetch({ ...request, ids: others })).records : []
            asked.push(...request.ids.filter((id) => id === old.id))
            return { records: new Map([...found, [old.id, old]]) }
          })
      }
      for (const written of [5, 0]) {
        const report = yield* reportOf(migrate({ from: withOld, to, run: "1", verify: false }))
        assert.deepInclude(report, { records: 6, written, rejected: 1, notWritten: 1 })
        assert.match(report.errors.join(), /record "é": id holds "é" at position 0/)
      }
      assert.deepStrictEqual(asked, ["é", "é"])
    }).pipe(withStores)
  )

  it.effect("sends again what the comparison misses, though it was called written", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex(), yield* memoryIndex()]
      yield* fill(from, many(350, "k"))
      const lossy: Service = {
        ...to,
        upsert: ({ namespace, records }) => {
          const kept = records.filter(({ id }) => id !== "k0123")
          return Arr.isArrayNonEmpty(kept) ? Effect.as(to.upsert({ namespace, records: kept }), {}) : Effect.succeed({})
        }
      }
      const first = yield* reportOf(migrate({ from, to: lossy, run: "1", settleWithin: 0 }))
      assert.deepInclude(first, { written: 350, notWritten: 0 })
      assert.deepInclude(first.comparison, { missing: 1 })
      const second = yield* migrate({ from, to, run: "1" })
      assert.deepInclude(second, { written: 1, comparison: same(350) })

      // The same after a migration that was whole.
      yield* to.delete({ ids: ["k0007"] })
      const third = yield* reportOf(migrate({ from, to, run: "1", settleWithin: 0 }))
      assert.deepInclude(third.comparison, { missing: 1 })
      assert.deepInclude(yield* migrate({ from, to, run: "1" }), { written: 1, comparison: same(350) })
    }).pipe(withStores)
  )

  it.effect("does not take a record that is lost for one that is kept as a dead letter", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex(), yield* memoryIndex()]
      yield* fill(from, many(100, "k"))
      const letters = yield* DeadLetter.keyValue({ name: "migration", record: Placed })
      const deadLetters = DeadLetter.divert(letters, {
        record: ({ value: { namespace, ...record } }: PineconeMigrate.Item) => ({ namespace, record })
      })
      yield* migrate({ from, to: refusing(to, (id) => id === "k0042"), run: "1", deadLetters })
      // The dead letter is written by another way, and another record is gone.
      const { records } = yield* from.fetch({ ids: ["k0042"] })
      yield* to.upsert({ records: [records.get("k0042")!] })
      yield* to.delete({ ids: ["k0001"] })
      const report = yield* reportOf(migrate({ from, to, run: "1", deadLetters, settleWithin: 0 }))
      assert.deepInclude(report.comparison, { missing: 1, same: 99 })
    }).pipe(withStores)
  )

  it.effect("has a ledger of its own for an index of the same name at another host", () =>
    Effect.gen(function* () {
      const [from, one, two] = [yield* memoryIndex(), yield* memoryIndex(), yield* memoryIndex()]
      yield* fill(from, many(10, "k"))
      yield* migrate({ from, to: { ...one, host: "https://a-1.example" }, run: "1" })
      const other = yield* migrate({ from, to: { ...two, host: "https://a-2.example" }, run: "1" })
      assert.deepInclude(other, { recordsBefore: 0, written: 10 })
      // Indexes of an emulator have one host and differ in the path.
      const [three, four] = [yield* memoryIndex(), yield* memoryIndex()]
      yield* migrate({ from, to: { ...three, host: "http://127.0.0.1:5080/i/three" }, run: "1" })
      const path = yield* migrate({ from, to: { ...four, host: "http://127.0.0.1:5080/i/four" }, run: "1" })
      assert.deepInclude(path, { recordsBefore: 0, written: 10 })
    }).pipe(withStores)
  )

  it.effect("stops when too much is refused, and loses none of it", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex(), yield* memoryIndex({ dimension: 3 })]
      yield* fill(from, many(500, "k"))
      const error = yield* refusalOf(migrate({ from, to, run: "1", maxNotWritten: 150 }))
      // What is wrong says more than that there is too much of it.
      assert.match(error.message, /has 2 numbers and the index has dimension 3/)
      const right = yield* memoryIndex()
      const report = yield* migrate({ from, to: right, run: "1", maxNotWritten: 150 })
      assert.deepInclude(report, { records: 500, written: 500, comparison: same(500) })
      assert.isAtLeast(report.recordsBefore, 151)
    }).pipe(withStores)
  )

  it.effect("gives what is not written to a store of dead letters and is done with it", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex(), yield* memoryIndex()]
      yield* fill(from, many(350, "k"))
      const letters = yield* DeadLetter.keyValue({ name: "migration", record: Placed })
      const deadLetters = DeadLetter.divert(letters, {
        record: ({ value: { namespace, ...record } }: PineconeMigrate.Item) => ({ namespace, record })
      })
      const run = migrate({ from, to: refusing(to, (id) => id.endsWith("42")), run: "1", deadLetters })
      const report = yield* run
      assert.deepInclude(report, { records: 350, written: 346, rejected: 0, deadLettered: 4, notWritten: 0 })
      assert.deepInclude(report.comparison, { same: 346, missing: 4 })
      const kept = yield* Stream.runCollect(DeadLetter.redrive(letters))
      assert.sameMembers(
        kept.map(({ record }) => `${record.namespace} ${record.record.id}`),
        ["k0042", "k0142", "k0242", "k0342"].map((id) => `__default__ ${id}`)
      )
      const again = yield* run
      assert.deepInclude(again, { written: 0, deadLettered: 4 })

      yield* DeadLetter.redrive(letters).pipe(
        PineconeSink.upsertOutcomes({
          namespace: ({ record }: DeadLetter.DeadLetter<Placed>) => record.namespace,
          record: ({ record }: DeadLetter.DeadLetter<Placed>) => record.record
        }),
        DeadLetter.settle(letters),
        Stream.runDrain,
        Effect.provideService(PineconeIndex, to),
        toEnd
      )
      assert.deepStrictEqual((yield* run).comparison, same(350))
      assert.deepStrictEqual(yield* Stream.runCollect(DeadLetter.redrive(letters)), [])
    }).pipe(withStores)
  )

  it.effect("fails with the failure of the dead-letter store, and acknowledges nothing that it did not take", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex(), yield* memoryIndex()]
      yield* fill(from, many(150, "k"))
      const error = yield* refusalOf(
        migrate({
          from,
          to: refusing(to, (id) => id === "k0001"),
          run: "1",
          deadLetters: (outcomes) =>
            Stream.mapEffect(outcomes, (outcome) =>
              Outcome.isWritten(outcome) ? Effect.succeed(outcome) : Effect.fail("the disk is full")
            )
        })
      )
      assert.strictEqual(error, "the disk is full")
      const report = yield* migrate({ from, to, run: "1" })
      assert.deepInclude(report, { records: 150, comparison: same(150) })
      assert.isAtMost(report.recordsBefore, 100)
    }).pipe(withStores)
  )

  it.effect("waits until what it wrote can be seen", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex(), yield* memoryIndex()]
      yield* fill(from, many(150, "k"))
      const lagging: Service = {
        ...to,
        list: (request) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) =>
            now < 20_000 ? Effect.succeed({ ids: ["k0000"] }) : to.list(request)
          )
      }
      const report = yield* migrate({ from, to: lagging, run: "1" })
      assert.deepStrictEqual(report.comparison, same(150))
      const time = yield* Clock.currentTimeMillis
      assert.isAtLeast(time, 20_000)
      assert.isAtMost(time, 30_000)

      const blind: Service = { ...to, list: () => Effect.succeed({ ids: [] }) }
      const late = yield* reportOf(migrate({ from, to: blind, run: "1", settleWithin: "10 seconds" }))
      assert.deepInclude(late.comparison, { missing: 150 })
      assert.isAtMost((yield* Clock.currentTimeMillis) - time, 17_000)
      assert.notProperty(yield* migrate({ from, to: blind, run: "1", verify: false }), "comparison")
    }).pipe(withStores)
  )

  it.effect("takes a namespace that the service does not know for an empty one", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex(), yield* memoryIndex()]
      const unknown: Service = {
        ...to,
        list: () =>
          Effect.fail(
            new PineconeError({ operation: "list", reason: new NotFound({ resource: "namespace", called: "n" }) })
          )
      }
      const report = yield* migrate({ from, to: unknown, run: "1" })
      assert.deepStrictEqual(report.comparison, PineconeCompare.empty)
    }).pipe(withStores)
  )

  it.effect("allows for a source that is written and deleted from meanwhile", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex(), yield* memoryIndex()]
      yield* fill(from, many(250, "k"))
      let calls = 0
      const busy: Service = {
        ...from,
        list: (request) =>
          Effect.tap(from.list(request), () =>
            ++calls === 1 && Arr.isArrayNonEmpty(late)
              ? Effect.andThen(from.delete({ ids: ["k0007", "k0200"] }), from.upsert({ records: late }))
              : Effect.void
          )
      }
      const late = many(3, "z")
      const report = yield* migrate({ from: busy, to, run: "1" })
      assert.deepInclude(report, { records: 251, comparison: same(251) })
    }).pipe(withStores)
  )

  it.effect("an answer that was lost is not known, and is sent again with the next run", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex(), yield* memoryIndex()]
      yield* fill(from, many(50, "k"))
      const lost: Service = {
        ...to,
        upsert: () =>
          Effect.fail(new PineconeError({ operation: "upsert", reason: new Unavailable({ detail: "down" }) }))
      }
      const report = yield* reportOf(
        migrate({ from, to: lost, run: "1", write: { retry: { maxAttempts: 1 } }, settleWithin: 0 })
      )
      assert.deepInclude(report, { unknown: 50, notWritten: 50 })
      assert.deepInclude(yield* migrate({ from, to, run: "1" }), { written: 50, comparison: same(50) })
    }).pipe(withStores)
  )

  it.effect("refuses to go on with the run of another index", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex({ name: "a" }), yield* memoryIndex()]
      yield* fill(from, many(5, "k"))
      yield* migrate({ from, to, run: "1" })
      const error = yield* refusalOf(migrate({ from: { ...from, name: "b" }, to, run: "1" }))
      assert.strictEqual(error._tag, "LedgerError")
      assert.match(
        error.message,
        /belongs to a migrate .* from index a, and this is a migrate .* from index b; give this job a run of its own/
      )
    }).pipe(withStores)
  )

  it.effect("refuses what can not work before anything is written", () =>
    Effect.gen(function* () {
      const index = yield* memoryIndex()
      yield* fill(index, many(5, "k"), "a")
      yield* fill(index, many(5, "k"), "b")
      const other = yield* memoryIndex()
      const base = { from: index, to: other, run: "1", namespaces: ["a", "b"] }
      for (const [options, says] of [
        [{ ...base, to: index }, /rename leaves namespace "a" where it is/],
        [{ ...base, rename: () => "c" }, /rename gives two namespaces the name "c"/],
        [{ ...base, concurrency: 0 }, /concurrency is 0/],
        [{ ...base, maxOpen: 0.5 }, /maxOpen is 0.5/],
        [{ ...base, read: { fetchBatch: 1001 } }, /fetchBatch is 1001/],
        [{ ...base, maxNotWritten: -1 }, /maxNotWritten is -1/],
        [{ ...base, settleWithin: -1 }, /settleWithin/],
        [{ ...base, namespaces: ["a", "no such"] }, /"no such" does not exist/]
      ] as const) {
        const error = yield* refusalOf(migrate(options))
        assert.match(error.message, says)
      }
      assert.strictEqual((yield* other.stats).totalRecords, 0)
    }).pipe(withStores)
  )
})
