/** An exporter that writes one record twice. */
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { run, tell } from "../../programs/program.ts"
import { Argument, toFile } from "../../support/exported.ts"

run(Argument, (argument) =>
  Effect.gen(function* () {
    const report = yield* toFile(argument)
    const [first] = fs.readFileSync(argument.file, "utf8").split("\n")
    fs.appendFileSync(argument.file, `${first}\n`)
    yield* tell(report)
  })
)
