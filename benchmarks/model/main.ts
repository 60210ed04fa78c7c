/** `npm run bench:model`: how long a job takes on so many runners, and how many pay off; `-- --help` lists its options. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { writeBetween } from "../../scripts/marks.ts"
import { random } from "../load.ts"
import { measuredFile, readMeasured } from "./kept.ts"
import { measure } from "./measure.ts"
import { figures, scenario, seed, usual } from "./scenario.ts"
import { simulate } from "./simulate.ts"

const marks = [
  "<!-- figures: written by `npm run bench:model -- --write-docs docs/cluster.md` -->",
  "<!-- end of figures -->"
] as const

const flags = {
  runners: Flag.Int("runners").pipe(Flag.withDefault(100), Flag.withDescription("Runners")),
  records: Flag.Int("records").pipe(Flag.withDefault(usual.records), Flag.withDescription("Records of the load")),
  namespaces: Flag.Int("namespaces").pipe(Flag.withDefault(1), Flag.withDescription("Namespaces, each with its quota")),
  perRunner: Flag.Int("per-runner").pipe(
    Flag.withDefault(usual.perRunner),
    Flag.withDescription("Records a second that one runner can read, make and encode")
  ),
  transactions: Flag.Int("transactions").pipe(
    Flag.withDefault(usual.transactions),
    Flag.withDescription("Transactions a second that the storage takes")
  ),
  measure: Flag.Boolean("measure").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Measure 1, 2 and 4 runners again, which takes about three minutes, and keep it")
  ),
  writeDocs: Flag.String("write-docs").pipe(
    Flag.withDefault(""),
    Flag.withDescription("Write the figures into this page, between their marks")
  )
}

const command = Command.make("bench:model", flags, ({ measure: again, writeDocs, ...asked }) =>
  Effect.gen(function* () {
    if (again) {
      const rows = yield* measure(Console.error)
      const at = DateTime.formatIsoDate(yield* DateTime.now)
      fs.writeFileSync(measuredFile, `${JSON.stringify({ at, rows }, undefined, 2)}\n`)
    }
    if (writeDocs !== "") return writeBetween(writeDocs, ...marks, figures(readMeasured()))
    const { deaths, resent, seconds, used } = simulate(scenario(asked), random(seed))
    yield* Console.log(
      `${(seconds / 3600).toFixed(2)} hours, ${Math.round(used * 100)} % of what store and storage allow, ` +
        `${deaths} runners died, ${resent} records sent again`
    )
  })
)

Command.run(command, { version: "0.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
