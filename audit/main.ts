/** `npm run audit`: nothing lost, shown by a program. `-- --help` lists its options. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { run } from "./audit.ts"
import { cases } from "./cases.ts"
import { writeDocs } from "./docs.ts"
import { text } from "./report.ts"

const names = cases.map(({ name }) => name)

const flags = {
  json: Flag.Boolean("json").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Print the report as one JSON object on standard output")
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withDefault(2026),
    Flag.withDescription("What records, faults, kills and bad inputs are made from; the same seed makes the same")
  ),
  only: Flag.String("case").pipe(
    Flag.withDescription(`Run this case only; can be repeated: ${names.join(", ")}`),
    Flag.filter(
      (name) => names.includes(name),
      () => `one of ${names.join(", ")}`
    ),
    Flag.atLeast(0)
  ),
  short: Flag.Boolean("short").pipe(
    Flag.withDefault(false),
    Flag.withDescription("The form that the tests run: about a minute, and without judging speed and memory")
  ),
  docs: Flag.File("write-docs").pipe(
    Flag.withDescription("Write the figures into this page, between its two marks"),
    Flag.optional
  )
}

const command = Command.make(
  "audit",
  flags,
  Effect.fnUntraced(function* ({ docs, json, only, seed, short }) {
    const report = yield* run({
      form: short ? "short" : "long",
      seed,
      only,
      progress: (line) => Console.error(line)
    })
    if (Option.isSome(docs)) yield* writeDocs(docs.value, report)
    yield* Console.log(json ? JSON.stringify(report) : text(report))
    if (!report.cases.every(({ ok }) => ok)) yield* Effect.sync(() => (process.exitCode = 1))
  })
).pipe(Command.withDescription("Proves on emulators, through the real clients, that nothing is lost."))

Command.run(command, { version: "0.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
