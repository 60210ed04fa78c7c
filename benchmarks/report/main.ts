/** `npm run bench:report`: makes the report of what `npm run bench` measured; `-- --help` lists its options. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { writeBetween } from "../../scripts/marks.ts"
import { figures } from "./docs.ts"
import { page } from "./page.ts"
import { readResults } from "./results.ts"

const benchmarks = path.join(import.meta.dirname, "..")

const marks = ["<!-- figures: written by `npm run bench:report` -->", "<!-- end of figures -->"] as const

const flags = {
  results: Flag.String("results").pipe(
    Flag.withDefault(path.join(benchmarks, "results")),
    Flag.withDescription("The directory with the results of the suites, as JSON")
  ),
  out: Flag.String("out").pipe(
    Flag.withDefault(path.join(benchmarks, "report/index.html")),
    Flag.withDescription("The page to write")
  ),
  docs: Flag.String("docs").pipe(
    Flag.withDefault(path.join(benchmarks, "../docs/performance.md")),
    Flag.withDescription("The page of the documentation whose figures are written, between its two marks")
  )
}

const command = Command.make(
  "bench:report",
  flags,
  Effect.fnUntraced(function* ({ docs, out, results: directory }) {
    const results = yield* Effect.sync(() => readResults(directory))
    yield* Effect.sync(() => {
      fs.writeFileSync(out, page(results))
      writeBetween(docs, ...marks, figures(results))
    })
    const bytes = fs.statSync(out).size
    yield* Console.log(`${results.length} suites: ${out} (${Math.round(bytes / 1000)} KB), ${docs}`)
  })
).pipe(
  Command.withDescription(
    "Makes benchmarks/report/index.html and the figures of docs/performance.md from benchmarks/results."
  )
)

Command.run(command, { version: "0.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
