/**
 * `npm run example:migrate`: 5,000 word vectors move from one index to another, over HTTP, by the official client. The
 * first run is stopped in the middle, as a process may be; the second one goes on where it was. In the end both indexes
 * are compared, and the new one with a file that the old one was exported to.
 */
import {
  PineconeCompare,
  PineconeExport,
  PineconeIndex,
  PineconeMigrate,
  PineconeSink
} from "@effect-connectors/pinecone"
import { FaultPlan, PineconeEmulator } from "@effect-connectors/testkit"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Glove from "./demo/glove.ts"

/** A word with its vector; one of ten is in a namespace of its own. */
const records = (glove: Glove.Glove, count: number) =>
  Array.from(glove.rows)
    .slice(0, count)
    .map(([word, row]) => ({
      namespace: row % 10 === 0 ? "tenth" : "words",
      id: `word-${row}`,
      values: Array.from(
        glove.codes.subarray(row * Glove.dimension, (row + 1) * Glove.dimension),
        (code) => code * glove.scales[row]!
      ),
      metadata: { word, rank: row }
    }))

/** What a busy service does: it throttles, resets connections, and does what it was asked without saying so. */
const busy = FaultPlan.make([
  { name: "throttled", operations: ["upsert"], when: FaultPlan.every(10), fault: FaultPlan.throttle({}) },
  { name: "lost answer", operations: ["upsert"], when: FaultPlan.every(17), fault: FaultPlan.reset("after") }
])

/** Two indexes. At Pinecone: two layers with two names, and nothing else changes. */
const indexes = Effect.gen(function* () {
  const emulator = yield* PineconeEmulator
  const open = (index: string) =>
    Effect.gen(function* () {
      yield* emulator.createIndex({ name: index, dimension: Glove.dimension })
      const layer = PineconeIndex.layer({ apiKey: Redacted.make("any"), index, controllerHost: emulator.url })
      return yield* Effect.provide(PineconeIndex, layer)
    })
  return { from: yield* open("words"), to: yield* open("words-v2"), faults: emulator.faults }
})

/** Moves so many records and tells what happened. Ledgers and the export are kept in `directory`. */
export const run = (count: number, directory: string) =>
  Effect.gen(function* () {
    const { faults, from, to } = yield* indexes
    yield* Stream.fromIterable(records(yield* Glove.load, count)).pipe(
      PineconeSink.upsert({
        namespace: ({ namespace }: ReturnType<typeof records>[number]) => namespace,
        record: ({ id, metadata, values }: ReturnType<typeof records>[number]) => ({ id, values, metadata })
      }),
      Stream.runDrain,
      Effect.provideService(PineconeIndex, from)
    )
    yield* faults.replace(busy)

    const migration = PineconeMigrate.migrate({ from, to, namespaces: "all", run: "to-v2", maxOpen: 5 })
    const half = to.stats.pipe(
      Effect.repeat({
        until: ({ totalRecords }) => totalRecords >= count / 2,
        schedule: Schedule.spaced("5 millis")
      })
    )
    const writtenBefore = yield* Effect.raceFirst(
      Effect.as(migration, count),
      Effect.map(half, ({ totalRecords }) => totalRecords)
    )
    const report = yield* migration

    const path = `${directory}/words.ndjson`
    const exported = yield* Effect.provideService(
      PineconeExport.toFile({ path, namespaces: "all", run: "backup" }),
      PineconeIndex,
      from
    )
    const withFile = yield* PineconeCompare.summarize(
      PineconeExport.read(path),
      PineconeCompare.index(to, { namespaces: "all" })
    )
    return { records: count, writtenBefore, report, exported, withFile, faultsFired: yield* faults.fired }
  }).pipe(
    Effect.provide([
      PineconeEmulator.layer,
      KeyValueStore.layerFileSystem(`${directory}/ledgers`).pipe(Layer.provide(NodeServices.layer)),
      NodeServices.layer
    ])
  )

const flags = {
  json: Flag.Boolean("json").pipe(Flag.withDefault(false), Flag.withDescription("Print the result as one JSON object"))
}

const command = Command.make("migrate", flags, ({ json }) =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const directory = yield* files.makeTempDirectoryScoped()
    const result = yield* run(5_000, directory)
    if (json) return yield* Console.log(JSON.stringify(result))
    const { exported, faultsFired, report, withFile, writtenBefore } = result
    const compared = ({ different, extra, missing, same }: PineconeCompare.Summary) =>
      `${same} the same, ${missing} missing, ${extra} extra, ${different} different`
    const { comparison = PineconeCompare.empty } = report
    yield* Console.log(`the first run was stopped when ${writtenBefore} records were in the new index`)
    yield* Console.log(
      `the second one found ${report.recordsBefore} acknowledged and wrote ${report.written}: ${report.records} records`
    )
    yield* Console.log(`faults on the way: ${JSON.stringify(faultsFired)}`)
    yield* Console.log(`old and new index: ${compared(comparison)}`)
    yield* Console.log(`an export of ${exported.bytes} bytes and the new index: ${compared(withFile)}`)
  }).pipe(Effect.scoped)
)

if (import.meta.main) {
  Command.run(command, { version: "0.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
}
