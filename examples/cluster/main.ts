/**
 * `npm run example:cluster`: three runners, processes that share nothing but a file, load 117,791 texts into an index. One of
 * them is killed in the middle and started again. In the end the index is compared with the texts.
 */
import { Job, JobClient } from "@effect-connectors/cluster"
import { PineconeCompare, PineconeGrpc, PineconeIndex } from "@effect-connectors/pinecone"
import { PineconeEmulator } from "@effect-connectors/testkit"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as path from "node:path"
import * as readline from "node:readline"
import { dimension } from "../demo/glove.ts"
import { load, ranges, Texts } from "./load.ts"
import type { Settings } from "./runner.ts"

/** Starts a runner; it ends with the scope at the latest. */
const startRunner = (settings: typeof Settings.Type, onCall: (records: number, runner: ChildProcess) => void) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(
        process.execPath,
        [
          "--disable-warning=ExperimentalWarning",
          "--conditions=@effect-connectors/source",
          path.join(import.meta.dirname, "runner.ts"),
          JSON.stringify(settings)
        ],
        { stdio: ["ignore", "pipe", "inherit"] }
      )
      readline.createInterface(child.stdout).on("line", (line) => {
        const records = Number(line)
        // The runner's log goes the same way.
        if (Number.isSafeInteger(records)) onCall(records, child)
        else console.error(line)
      })
      return child
    }),
    (child) =>
      Effect.promise(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const gone = once(child, "exit")
        child.kill("SIGTERM")
        const late = setTimeout(() => child.kill("SIGKILL"), 5_000)
        await gone
        clearTimeout(late)
      })
  )

export interface Options {
  /** The first so many texts. */
  readonly limit: number
  /** Texts of a partition. */
  readonly size: number
  readonly log: (line: string) => Effect.Effect<void>
}

/** The load is not what it should be. */
class Wrong extends Schema.TaggedError<Wrong>()("Wrong", { message: Schema.String }) {}

const runners = 3

/** Loads, kills, and compares. */
export const run = Effect.fnUntraced(function* ({ limit, log, size }: Options) {
  const files = yield* FileSystem.FileSystem
  const directory = yield* files.makeTempDirectoryScoped()
  const storage = path.join(directory, "jobs.db")
  const emulator = yield* PineconeEmulator
  const { host } = yield* emulator.createIndex({ name: "wordnet", dimension })
  const { count, records } = yield* Texts

  // The runner that is killed is one whose call is under way: some of what it sends will be sent again.
  let sent = 0
  const third = yield* Deferred.make<ChildProcess>()
  const start = startRunner({ storage, host, limit }, (records, runner) => {
    sent += records
    if (sent >= count / 3) Deferred.doneUnsafe(third, Exit.succeed(runner))
  })
  yield* Effect.all(Array.from({ length: runners }, () => start))
  const id = "1"
  const ended = yield* Effect.gen(function* () {
    yield* Job.start(load, { id, partitions: ranges(count, size) })
    yield* log(`${count} texts in ${Math.ceil(count / size)} partitions, ${runners} runners`)
    yield* Job.watch(load, id, "2 seconds").pipe(
      Stream.runForEach(({ partitions, perSecond }) =>
        log(`${partitions.completed} of ${partitions.total} partitions, ${Math.round(perSecond)} records/s`)
      ),
      Effect.forkChild
    )
    const victim = yield* Deferred.await(third)
    victim.kill("SIGKILL")
    yield* log(`killed a runner when ${sent} records were sent`)
    yield* start
    yield* log("started another one in its place")
    return yield* Job.wait(load, id)
  }).pipe(Effect.provide(JobClient.layerEmbedded({ file: storage })))

  const expected = yield* Stream.runCollect(records(0, count))
  const comparison = yield* Effect.gen(function* () {
    return yield* PineconeCompare.summarize(
      Stream.fromIterable(
        expected
          .map((record) => ({ ...record, namespace: "" }))
          .toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)),
        { chunkSize: 1000 }
      ),
      PineconeCompare.index(yield* PineconeIndex)
    )
  }).pipe(Effect.provide(PineconeGrpc.layer({ apiKey: Redacted.make("any"), host })))
  return { ended, comparison, records: count, resent: sent - count }
})

const flags = {
  json: Flag.Boolean("json").pipe(Flag.withDefault(false), Flag.withDescription("Print the result as one JSON object")),
  limit: Flag.Int("limit").pipe(Flag.withDefault(200_000), Flag.withDescription("Load the first so many texts")),
  size: Flag.Int("size").pipe(Flag.withDefault(2_500), Flag.withDescription("Texts of a partition"))
}

const command = Command.make("cluster", flags, ({ json, limit, size }) =>
  Effect.gen(function* () {
    const log = (line: string) => (json ? Effect.sync(() => console.error(line)) : Console.log(line))
    const { comparison, ended, records, resent } = yield* run({ limit, size, log })
    const { different, extra, missing } = comparison
    const result = {
      partitions: ended.partitions.total,
      completed: ended.partitions.completed,
      runners,
      killed: 1,
      records,
      missing,
      different,
      extra,
      resent,
      outcomes: ended.records
    }
    if (json) yield* Console.log(JSON.stringify(result))
    else {
      const { before, rejected, unknown, written } = ended.records
      yield* Console.log(`${result.completed} of ${result.partitions} partitions completed`)
      yield* Console.log(
        `outcomes: ${written} written, ${before} written by attempts that were cut short, ${rejected} rejected, ` +
          `${unknown} unknown; ${records} texts`
      )
      yield* Console.log(
        `index and texts: ${missing} missing, ${different} different, ${extra} extra; ${resent} records sent twice`
      )
    }
    const { before, rejected, unknown, written } = ended.records
    const answered = before + written + rejected + unknown
    if (missing + different + extra > 0 || answered !== records) {
      return yield* new Wrong({
        message: `the index is not what it should be, or ${records} records had ${answered} outcomes`
      })
    }
  }).pipe(Effect.provide([PineconeEmulator.layer, Texts.layer(limit)]), Effect.scoped)
)

if (import.meta.main) {
  Command.run(command, { version: "0.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
}
