import { Unauthorized } from "@effect-connectors/core/ConnectorError"
import * as DeadLetter from "@effect-connectors/core/DeadLetter"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as VectorRecord from "@effect-connectors/pinecone/VectorRecord"
import { PineconeMemory } from "@effect-connectors/testkit"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as path from "node:path"

const records: ReadonlyArray<VectorRecord.VectorRecord> = [
  { id: "good", values: [1, 2] },
  { id: "three", values: Float32Array.of(1, 0.1, -3), metadata: { at: 5, tags: ["x"] } },
  { id: "nan", values: [NaN, Infinity] },
  {
    id: "sparse",
    sparseValues: { indices: Uint32Array.of(7, 4_294_967_295), values: Float32Array.of(0.5, 0) },
    values: [0, 0]
  },
  { id: "", values: [3, 4] }
]

const services = Layer.merge(PineconeMemory.layerWith({ dimension: 2 }), NodeFileSystem.layer)

const openFile = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const file = path.join(yield* files.makeTempDirectoryScoped(), "dead.ndjson")
  return { file, letters: yield* DeadLetter.ndjson({ path: file, record: VectorRecord.VectorRecord }) }
})

describe("dead letters of vector records", () => {
  it.effect("hold the records as they are, with every number, and what is wrong with each", () =>
    Effect.gen(function* () {
      const { letters } = yield* openFile
      yield* Stream.fromIterable(records).pipe(
        PineconeSink.upsertOutcomes(),
        DeadLetter.divert(letters, { id: (record) => record.id }),
        Stream.runDrain
      )
      const kept = new Map((yield* Stream.runCollect(letters.letters)).map((letter) => [letter.id, letter]))
      assert.deepStrictEqual(
        [...kept].map(([id, { _tag, operation, reason }]) => `${id} ${_tag} ${operation} ${reason._tag}`).sort(),
        ["", "nan", "sparse", "three"].map((id) => `${id} DeadLetter upsert InvalidRecord`)
      )
      assert.match(kept.get("three")?.reason.message ?? "", /has 3 numbers and the index has dimension 2/)
      // Typed arrays are lists in JSON, of numbers that float32 has.
      assert.deepStrictEqual(kept.get("three")?.record, {
        id: "three",
        values: [1, Math.fround(0.1), -3],
        metadata: { at: 5, tags: ["x"] }
      })
      assert.deepStrictEqual(kept.get("nan")?.record, { id: "nan", values: [NaN, Infinity] })
      assert.deepStrictEqual(kept.get("sparse")?.record, {
        id: "sparse",
        values: [0, 0],
        sparseValues: { indices: [7, 4_294_967_295], values: [0.5, 0] }
      })
    }).pipe(Effect.provide(services))
  )

  it.effect("are none of what a wrong key stopped: it passes as it is, and there is nothing wrong with it", () =>
    Effect.gen(function* () {
      const index = yield* PineconeIndex
      const { letters } = yield* openFile
      const reason = new Unauthorized({ detail: "wrong key" })
      const locked = PineconeIndex.of({
        ...index,
        upsert: () => Effect.fail(new PineconeError({ operation: "upsert", reason }))
      })
      const some = Array.from({ length: 250 }, (_, i) => ({ id: `r${i}`, values: Float32Array.of(i, 1) }))
      const passed: Array<string> = []
      const end = yield* Stream.fromIterable(some).pipe(
        PineconeSink.upsertOutcomes(),
        DeadLetter.divert(letters),
        Stream.runForEach(({ _tag }) => Effect.sync(() => passed.push(_tag))),
        Effect.flip,
        Effect.provideService(PineconeIndex, locked)
      )
      assert.strictEqual(end._tag === "PineconeError" ? end.reason : end, reason)
      assert.isAbove(passed.length, 100)
      assert.deepStrictEqual(new Set(passed), new Set(["Rejected"]))
      assert.strictEqual(yield* Stream.runCount(letters.letters), 0)
    }).pipe(Effect.provide(services))
  )
})

describe("the JSON form of a record", () => {
  const codec = Schema.toCodecJson(VectorRecord.VectorRecord)

  it.effect("has lists in place of typed arrays, and is checked as the record is", () =>
    Effect.gen(function* () {
      const json = yield* Schema.encodeEffect(codec)({
        id: "a",
        values: Float32Array.of(0.5, 2),
        sparseValues: { indices: Uint32Array.of(1), values: [1] }
      })
      assert.deepStrictEqual(json, { id: "a", values: [0.5, 2], sparseValues: { indices: [1], values: [1] } })
      assert.deepStrictEqual<unknown>(yield* Schema.decodeEffect(codec)(json), json)
      const wrong = yield* Effect.flip(Schema.decodeUnknownEffect(codec)({ id: "a", values: [0, 0] }))
      assert.include(wrong.message, "holds only zeros")
    })
  )
})
