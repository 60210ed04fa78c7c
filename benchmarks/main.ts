/** `npm run bench`: measures; `npm run bench -- --help` lists its options. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as path from "node:path"
import { Result } from "./result.ts"
import { run } from "./run.ts"
import { suites } from "./suites.ts"
import { table } from "./table.ts"

const names = suites.map(({ name }) => name)

const flags = {
  only: Flag.String("suite").pipe(
    Flag.withDescription(`Run this suite only; can be repeated: ${names.join(", ")}`),
    Flag.filter(
      (name) => names.includes(name),
      () => `one of ${names.join(", ")}`
    ),
    Flag.atLeast(0)
  ),
  json: Flag.String("json").pipe(
    Flag.withDescription("Write the result of the one suite into this file, as JSON"),
    Flag.optional
  ),
  smoke: Flag.Boolean("smoke").pipe(
    Flag.withDescription("Only see that every suite runs: one short round, and no bar is judged"),
    Flag.withDefault(false)
  ),
  rounds: Flag.Int("rounds").pipe(
    Flag.withDescription("Turns of each contender (default: 5, or what the suite says)"),
    Flag.filter(
      (rounds) => rounds >= 1,
      () => "1 or more"
    ),
    Flag.optional
  ),
  profile: Flag.String("profile").pipe(
    Flag.withDescription(
      "Write a CPU profile of each contender into this directory: one round, at the suite's first point"
    ),
    Flag.optional
  )
}

const write = Effect.fnUntraced(function* (file: string, result: Result) {
  const fs = yield* FileSystem.FileSystem
  const json = Schema.encodeSync(Result)(result)
  yield* fs.makeDirectory(path.dirname(path.resolve(file)), { recursive: true })
  yield* fs.writeFileString(file, `${JSON.stringify(json, undefined, 2)}\n`)
})

const kept = (suite: string): string => path.join(import.meta.dirname, "results", `${suite}.json`)

const command = Command.make(
  "bench",
  flags,
  Effect.fnUntraced(function* ({ json, only, profile, rounds, smoke }) {
    const chosen = only.length === 0 ? suites : suites.filter(({ name }) => only.includes(name))
    if (Option.isSome(json) && chosen.length !== 1) {
      yield* Console.error("--json takes the result of one suite: name it with --suite")
      return yield* Effect.sync(() => (process.exitCode = 1))
    }
    for (const suite of chosen) {
      const result = yield* run(suite, {
        smoke,
        rounds: Option.getOrUndefined(rounds),
        profile: Option.getOrUndefined(profile),
        progress: (line) => Console.error(line)
      })
      yield* Console.log(table(result))
      if (Option.isSome(json)) yield* write(json.value, result)
      // What is kept is of one machine at one time: a run of every suite, in full.
      else if (only.length === 0 && !smoke && Option.isNone(profile)) yield* write(kept(suite.name), result)
      if (!smoke && !result.bars.every(({ ok }) => ok)) yield* Effect.sync(() => (process.exitCode = 1))
    }
  })
).pipe(Command.withDescription("Measures, in fresh processes that take turns, and says whether the bars hold."))

Command.run(command, { version: "0.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
