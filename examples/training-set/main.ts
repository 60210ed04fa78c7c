/**
 * `npm run example:training-set`: real events go into a feature store, the features of each are read back as they were
 * at its moment, and the rows become a Parquet file that DuckDB checks. `-- --help` lists the options.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Logger from "effect/Logger"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as os from "node:os"
import * as path from "node:path"
import * as stores from "./stores.ts"
import { make, type Made } from "./trainingSet.ts"

/** Every failure is told to the user in a line, without a stack. */
const userError = (cause: unknown) => new CliError.UserError({ cause })

const show = (value: number | string | null): string =>
  value === null ? "-" : typeof value === "number" ? String(Math.round(value * 10) / 10) : String(value)

/** Some rows as people read them. */
const table = ({ rows }: Made): string => {
  const head = ["left", "from", "to", "late", "flights 7d", "mean late 7d", "worst 1d", "last three", "last to"]
  const at = [0, 0.2, 0.4, 0.6, 0.8, 1].map((share) => Math.round(share * (rows.length - 1)))
  const lines = at.flatMap((index) => {
    const row = rows[index]
    if (row === undefined) return []
    const [flight, features] = row
    return [
      [
        flight.date.toString().slice(0, 16),
        flight.origin,
        flight.destination,
        show(flight.delay),
        show(features["departures.count_7d"].value),
        show(features["departures.mean_delay_7d"].value),
        show(features["departures.max_delay_1d"].value),
        features["departures.last_delays"].value?.join(" ") ?? "-",
        show(features["last_departure.destination"].value)
      ]
    ]
  })
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]!.length)))
  return [head, ...lines].map((line) => line.map((cell, i) => cell.padEnd(widths[i]!)).join("  ")).join("\n")
}

const command = Command.make(
  "training-set",
  {
    limit: Flag.Int("limit").pipe(
      Flag.withDescription("Only so many flights, the earliest (default: all 5,000)"),
      Flag.filter(
        (limit) => limit >= 1 && limit <= 5_000,
        () => "1 to 5000"
      ),
      Flag.withDefault(5_000)
    ),
    out: Flag.String("out").pipe(
      Flag.withDescription(
        "The Parquet file to write (default: training-set.parquet in the folder for temporary files)"
      ),
      Flag.withDefault(path.join(os.tmpdir(), "training-set.parquet"))
    ),
    emulator: Flag.Boolean("emulator").pipe(
      Flag.withDescription("Over HTTP, to a Tecton emulator in this process (default: in memory)"),
      Flag.withDefault(false)
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print one JSON object on stdout and nothing else there (default: off)"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* ({ emulator, json, limit, out }) {
    // Not after all the work: a file that can not be there.
    const files = yield* FileSystem.FileSystem
    yield* files.access(path.dirname(path.resolve(out)), { writable: true }).pipe(Effect.mapError(userError))
    yield* Console.error(`${limit} flights, ${emulator ? "through the emulator" : "in memory"}`)
    let read = 0
    const onRows = (rows: number) => Console.error(`features of ${(read += rows)} of ${limit} flights read`)
    const made = yield* make(out, limit, onRows).pipe(
      Effect.provide(emulator ? stores.emulator : stores.memory),
      Effect.mapError(userError)
    )
    const { checked, mismatches, rows } = made
    yield* Console.log(
      json
        ? JSON.stringify({ rows: rows.length, checked, mismatches })
        : `\n${table(made)}\n\n${rows.length} rows in ${out}\n` +
            `${checked} checked against DuckDB's point-in-time join, ${mismatches} differ`
    )
    if (mismatches > 0 || checked !== rows.length) return yield* userError("the training set is not what it should be")
  })
).pipe(
  Command.withDescription("Makes a training set of features as they were at the moment of each event, and checks it.")
)

Command.run(command, { version: "0.1.0" }).pipe(
  Effect.provide(NodeServices.layer),
  Effect.provideService(Logger.LogToStderr, true),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
