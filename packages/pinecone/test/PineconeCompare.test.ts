import * as PineconeCompare from "@effect-connectors/pinecone/PineconeCompare"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import type { Scanned } from "@effect-connectors/pinecone/PineconeSource"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import * as PineconeMemory from "@effect-connectors/testkit/PineconeMemory"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { writeAll } from "../../../test/support/outcomes.ts"
import { refusalOf } from "./support/secrets.ts"

const of = (namespace: string, ...records: ReadonlyArray<VectorRecord>): ReadonlyArray<Scanned> =>
  records.map((record) => ({ namespace, ...record }))

const compare = (
  a: ReadonlyArray<Scanned>,
  b: ReadonlyArray<Scanned>,
  options?: PineconeCompare.Options
): Effect.Effect<Array<PineconeCompare.Difference>, unknown> =>
  Stream.runCollect(PineconeCompare.compare(Stream.fromIterable(a), Stream.fromIterable(b), options))

const memory = (options: PineconeMemory.Options = {}) =>
  Effect.provide(PineconeIndex, PineconeMemory.layerWith(options), { local: true })

const write = (index: PineconeIndex["Service"], records: ReadonlyArray<VectorRecord>, namespace?: string) =>
  writeAll(records, (self: Stream.Stream<VectorRecord>) =>
    self.pipe(PineconeSink.upsertOutcomes({ namespace }), Stream.provideService(PineconeIndex, index))
  )

/** Small worlds, so that sides often meet: namespaces a and b, ids of one or two of three characters. */
const Id = Schema.Struct({
  namespace: Schema.Literals(["a", "b"]),
  id: Schema.Literals(["#", "a", "a#", "aa", "b", "é", "😀", "\uffee"])
})
const SideOf = Schema.Array(Schema.Struct({ at: Id, value: Schema.Literals([1, 2]) }))

const bytes = new TextEncoder()
const byBytes = (x: string, y: string): number => Buffer.compare(bytes.encode(x), bytes.encode(y))

const sorted = (side: typeof SideOf.Type) => {
  const byPlace = new Map(side.map(({ at, value }) => [`${at.namespace}/${at.id}`, value]))
  return {
    byPlace,
    records: [...byPlace]
      .toSorted(([x], [y]) => byBytes(x, y))
      .map(([place, value]): Scanned => ({ namespace: place.slice(0, 1), id: place.slice(2), values: [value] }))
  }
}

describe("compare", () => {
  it.effect.prop(
    "finds what a set of ids finds, however the sides are cut into chunks",
    { first: SideOf, second: SideOf, chunk: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 })) },
    ({ chunk, first, second }) =>
      Effect.gen(function* () {
        const [a, b] = [sorted(first), sorted(second)]
        const sides = [
          Stream.rechunk(Stream.fromIterable(a.records), chunk),
          Stream.rechunk(Stream.fromIterable(b.records), 5 - chunk)
        ] as const
        const expected = [...new Set([...a.byPlace.keys(), ...b.byPlace.keys()])].toSorted(byBytes).flatMap((place) => {
          const at = { namespace: place.slice(0, 1), id: place.slice(2) }
          if (!b.byPlace.has(place)) return [{ _tag: "Missing", ...at }]
          if (!a.byPlace.has(place)) return [{ _tag: "Extra", ...at }]
          return a.byPlace.get(place) === b.byPlace.get(place) ? [] : [{ _tag: "Different", ...at, parts: ["values"] }]
        })
        assert.deepStrictEqual<ReadonlyArray<unknown>>(
          yield* Stream.runCollect(PineconeCompare.compare(...sides)),
          expected
        )
        const { first: listed, ...counts } = yield* PineconeCompare.summarize(...sides)
        assert.deepStrictEqual<ReadonlyArray<unknown>>(listed, expected)
        const having = (tag: string) => expected.filter(({ _tag }) => _tag === tag).length
        const all = new Set([...a.byPlace.keys(), ...b.byPlace.keys()]).size
        assert.deepStrictEqual(counts, {
          compared: all,
          same: all - expected.length,
          missing: having("Missing"),
          extra: having("Extra"),
          different: having("Different"),
          repeated: 0
        })
      }),
    { arbitrary: { runs: 300 } }
  )

  it.effect("says which parts differ", () =>
    Effect.gen(function* () {
      const sparse = { indices: [1, 7], values: [0.5, 2] }
      const whole: VectorRecord = {
        id: "a",
        values: [1, 2],
        sparseValues: sparse,
        metadata: { x: 1, tags: ["p", "q"] }
      }
      type Parts = ReadonlyArray<"values" | "sparseValues" | "metadata">
      const cases: ReadonlyArray<readonly [Partial<VectorRecord>, Parts]> = [
        [{}, []],
        [{ values: [1, 3] }, ["values"]],
        [{ values: [1, 2, 3] }, ["values"]],
        [{ values: undefined }, ["values"]],
        [{ sparseValues: { indices: [1, 7], values: [0.5, 3] } }, ["sparseValues"]],
        [{ sparseValues: { indices: [1, 8], values: [0.5, 2] } }, ["sparseValues"]],
        [{ sparseValues: { indices: [1], values: [0.5] } }, ["sparseValues"]],
        [{ metadata: { x: 1 } }, ["metadata"]],
        [{ metadata: { x: 1, tags: ["q", "p"] } }, ["metadata"]],
        [{ metadata: { x: "1", tags: ["p", "q"] } }, ["metadata"]],
        [{ metadata: { x: 1, other: ["p", "q"] } }, ["metadata"]],
        [{ metadata: { x: 1, tags: ["p", "q"], y: true } }, ["metadata"]],
        [{ values: [], sparseValues: undefined, metadata: {} }, ["values", "sparseValues", "metadata"]]
      ]
      for (const [change, parts] of cases) {
        const found = yield* compare(of("n", whole), of("n", { ...whole, ...change }))
        assert.deepStrictEqual(
          found,
          parts.length === 0 ? [] : [{ _tag: "Different", namespace: "n", id: "a", parts }],
          JSON.stringify(change)
        )
      }
    })
  )

  it.effect("takes as the same what is only written differently", () =>
    Effect.gen(function* () {
      const a: VectorRecord = {
        id: "a",
        values: Float32Array.of(0.1, -0),
        sparseValues: { indices: Uint32Array.of(1, 7), values: Float32Array.of(0.1, 2) },
        metadata: { x: 1, y: "z" }
      }
      const b: VectorRecord = {
        id: "a",
        values: [0.1, 0],
        sparseValues: { indices: [7, 1], values: [2, 0.1] },
        metadata: { y: "z", x: 1 }
      }
      assert.deepStrictEqual(yield* compare(of("n", a), of("n", b)), [])
      const [empty, missing]: ReadonlyArray<VectorRecord> = [
        { id: "a", values: [], sparseValues: { indices: [], values: [] }, metadata: {} },
        { id: "a" }
      ]
      assert.deepStrictEqual(yield* compare(of("n", empty!), of("n", missing!)), [])
      assert.deepStrictEqual(yield* compare(of("", a), of("__default__", b)), [])
    })
  )

  it.effect("takes numbers within the tolerance as the same, and no other", () =>
    Effect.gen(function* () {
      const [a, b] = [of("n", { id: "a", values: [0.5, 1] }), of("n", { id: "a", values: [0.5, 1.0009765625] })]
      assert.lengthOf(yield* compare(a, b), 1)
      assert.lengthOf(yield* compare(a, b, { tolerance: 0.0005 }), 1)
      assert.lengthOf(yield* compare(a, b, { tolerance: 0.0009765625 }), 0)
      for (const tolerance of [-1, NaN, Infinity]) {
        const error = yield* refusalOf(
          Stream.runDrain(PineconeCompare.compare(Stream.fromIterable(a), Stream.fromIterable(b), { tolerance }))
        )
        assert.deepInclude(error.reason, { _tag: "InvalidOption", option: "tolerance" })
      }
    })
  )

  it.effect("tells of an id that stands twice in a side, and compares the first", () =>
    Effect.gen(function* () {
      const one: VectorRecord = { id: "a", values: [1] }
      const two: VectorRecord = { id: "a", values: [2] }
      assert.deepStrictEqual(yield* compare(of("n", one, two, one), of("n", one)), [
        { _tag: "Repeated", namespace: "n", id: "a", side: "first" },
        { _tag: "Repeated", namespace: "n", id: "a", side: "first" }
      ])
      const summary = yield* PineconeCompare.summarize(
        Stream.fromIterable(of("n", one)),
        Stream.rechunk(Stream.fromIterable(of("n", one, two)), 1)
      )
      assert.deepInclude(summary, { compared: 1, same: 1, repeated: 1 })
      assert.isFalse(PineconeCompare.isSame(summary))
      assert.isTrue(PineconeCompare.isSame({ ...summary, repeated: 0 }))
    })
  )

  it.effect("refuses a side that is not sorted, whichever it is and wherever its chunks end", () =>
    Effect.gen(function* () {
      const good = Stream.fromIterable(of("n", { id: "a" }, { id: "b" }, { id: "c" }))
      const unsorted: ReadonlyArray<readonly [ReadonlyArray<Scanned>, RegExp]> = [
        [
          of("n", { id: "a" }, { id: "c" }, { id: "b" }),
          /"b" of namespace "n" comes after "c" of namespace "n"; sort it/
        ],
        [[...of("n", { id: "a" }), ...of("m", { id: "b" })], /"b" of namespace "m" comes after "a" of namespace "n"/],
        [of("n", { id: "a" }, { id: "B" }), /"B" of/],
        [of("n", { id: "😀" }, { id: "\uffee" }), /comes after "😀"/]
      ]
      for (const [records, says] of unsorted) {
        for (const chunk of [1, 2, 10]) {
          const bad = Stream.rechunk(Stream.fromIterable(records), chunk)
          const first = yield* refusalOf(Stream.runDrain(PineconeCompare.compare(bad, good)))
          assert.deepInclude(first.reason, { _tag: "OutOfOrder", scope: "the first side" })
          assert.match(first.message, says)
          const second = yield* refusalOf(PineconeCompare.summarize(good, bad))
          assert.deepInclude(second.reason, { _tag: "OutOfOrder", scope: "the second side" })
        }
      }
    })
  )

  it.effect("reads no further along one side than the other has come", () =>
    Effect.gen(function* () {
      let read = 0
      const id = (i: number) => String(i).padStart(6, "0")
      const counting = (step: 1 | -1, offset: number) =>
        Stream.range(0, 4_999).pipe(
          Stream.rechunk(10),
          Stream.map((i): Scanned => ({ namespace: "n", id: id(i + offset), values: [1] })),
          Stream.tap(() => Effect.sync(() => assert.isAtMost(Math.abs((read += step)), 1_020)))
        )
      const summary = yield* PineconeCompare.summarize(counting(1, 0), counting(-1, 1_000))
      assert.deepInclude(summary, { compared: 6_000, same: 4_000, missing: 1_000, extra: 1_000 })
      assert.lengthOf(summary.first, PineconeCompare.listed)
    })
  )

  it.effect("fails with the failure of a side", () =>
    Effect.gen(function* () {
      const good = Stream.fromIterable(of("n", { id: "a" }))
      const bad = Stream.concat(good, Stream.fail("lost" as const))
      assert.strictEqual(yield* Effect.flip(Stream.runDrain(PineconeCompare.compare(good, bad))), "lost")
      assert.strictEqual(yield* Effect.flip(bad.pipe(PineconeCompare.compare(good), Stream.runDrain)), "lost")
      assert.strictEqual(yield* Effect.flip(bad.pipe(PineconeCompare.summarize(good))), "lost")
    })
  )
})

describe("index", () => {
  const many = (count: number, prefix: string) =>
    Array.from({ length: count }, (_, i): VectorRecord => ({ id: `${prefix}${i}`, values: [1, i], metadata: { i } }))

  it.effect("is all namespaces in order, whatever order they and their ids were written in", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* memory(), yield* memory()]
      const odd = ["a b", "a!b", 'a"b', "a\\b", "a", "A", "_", "~", "a#1", "a#10", "a#2"].map((id): VectorRecord => ({
        id,
        values: [1, 2]
      }))
      for (const [name, records] of [
        ["", many(250, "x")],
        ["zeta", odd],
        ["Alpha", many(3, "")]
      ] as const) {
        yield* write(a, records, name)
      }
      for (const [name, records] of [
        ["zeta", odd.toReversed()],
        ["Alpha", many(3, "")],
        ["", many(250, "x").toReversed()]
      ] as const) {
        yield* write(b, records, name)
      }
      const sides = () =>
        PineconeCompare.summarize(
          PineconeCompare.index(a, { namespaces: "all" }),
          PineconeCompare.index(b, { namespaces: "all", fetchBatch: 7 })
        )
      assert.deepStrictEqual(yield* sides(), { ...PineconeCompare.empty, compared: 264, same: 264 })

      yield* b.delete({ namespace: "zeta", ids: ["a#10"] })
      yield* b.update({ namespace: "Alpha", id: "1", metadata: { i: 2 } })
      yield* write(b, [{ id: "x99a", values: [1, 1] }])
      assert.deepStrictEqual(yield* sides(), {
        compared: 265,
        same: 262,
        missing: 1,
        extra: 1,
        different: 1,
        repeated: 0,
        first: [
          { _tag: "Different", namespace: "Alpha", id: "1", parts: ["metadata"] },
          { _tag: "Extra", namespace: "__default__", id: "x99a" },
          { _tag: "Missing", namespace: "zeta", id: "a#10" }
        ]
      })
    })
  )

  it.effect("is one namespace, or several under other names", () =>
    Effect.gen(function* () {
      const service = yield* memory()
      yield* write(service, many(5, "k"), "old")
      yield* write(service, many(5, "k"), "new")
      yield* write(service, many(2, "k"), "beta")
      const old = PineconeCompare.index(service, { namespaces: ["old"] })
      const renamed = PineconeCompare.index(service, { namespaces: ["new"], as: () => "old" })
      assert.deepStrictEqual(yield* Stream.runCollect(PineconeCompare.compare(old, renamed)), [])

      const swapped = PineconeCompare.index(service, {
        namespaces: ["beta", "new"],
        as: (name) => (name === "beta" ? "y" : "x")
      })
      const names = yield* Stream.runCollect(Stream.map(swapped, ({ namespace }) => namespace))
      assert.deepStrictEqual(names, ["x", "x", "x", "x", "x", "y", "y"])
    })
  )

  it.effect("is the ids that start with a prefix, without the count of the namespace", () =>
    Effect.gen(function* () {
      const index = yield* memory()
      yield* write(
        index,
        ["a1", "b1", "b2", "c1"].map((id) => ({ id, values: [1, 2] }))
      )
      const found = yield* Stream.runCollect(PineconeCompare.index(index, { prefix: "b" }))
      assert.deepStrictEqual(
        found.map(({ id }) => id),
        ["b1", "b2"]
      )
    })
  )

  it.effect("fails when its list is cut short, so that nothing is called missing that is not", () =>
    Effect.gen(function* () {
      const service = yield* memory()
      yield* write(service, many(150, "k"))
      const short = {
        ...service,
        list: (request: Parameters<typeof service.list>[0]) => Effect.map(service.list(request), ({ ids }) => ({ ids }))
      }
      const error = yield* refusalOf(
        PineconeCompare.summarize(PineconeCompare.index(service), PineconeCompare.index(short))
      )
      assert.deepInclude(error.reason, { _tag: "IncompleteScan", seen: 100, expected: 150 })
    })
  )

  it.effect("of records with sparse values", () =>
    Effect.gen(function* () {
      const service = yield* memory({ metric: "dotproduct" })
      const sparse = (value: number) => ({ indices: [3, 1], values: [value, 1] })
      yield* write(service, [{ id: "a", values: [1, 0], sparseValues: sparse(0.1) }])
      const side = PineconeCompare.index(service)
      const same = of("__default__", { id: "a", values: [1, 0], sparseValues: sparse(0.1) })
      const other = of("__default__", { id: "a", values: [1, 0], sparseValues: sparse(0.2) })
      assert.deepStrictEqual(yield* Stream.runCollect(PineconeCompare.compare(Stream.fromIterable(same), side)), [])
      const [found] = yield* Stream.runCollect(PineconeCompare.compare(Stream.fromIterable(other), side))
      assert.deepInclude(found, { _tag: "Different", parts: ["sparseValues"] })
    })
  )
})
