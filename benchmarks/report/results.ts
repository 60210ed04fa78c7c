/** Reads what `npm run bench` kept. */
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as path from "node:path"
import { Result } from "../result.ts"

/** Results that no report may be made of. */
export class NotReportable extends Schema.TaggedError<NotReportable>()("NotReportable", { problem: Schema.String }) {
  override get message(): string {
    return this.problem
  }
}

/** The order of the report; suites that it does not name come after these. */
const order = ["overhead", "peers", "scan", "features", "batch-size", "concurrency", "goodput", "scale", "core"]

const place = (suite: string): number => {
  const at = order.indexOf(suite)
  return at < 0 ? order.length : at
}

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Result))

/** All results of a directory, in the order of the report. Smoke runs are refused: their numbers say nothing. */
export const readResults = (directory: string): ReadonlyArray<Result> => {
  const files = fs.globSync("*.json", { cwd: directory }).toSorted()
  const results = files.map((file) => {
    const text = fs.readFileSync(path.join(directory, file), "utf8")
    try {
      return decode(text)
    } catch (cause) {
      throw new NotReportable({ problem: `${file} is not the result of a suite: ${String(cause)}` })
    }
  })
  checkResults(results)
  return results.toSorted((a, b) => place(a.suite) - place(b.suite))
}

export const checkResults = (results: ReadonlyArray<Result>): void => {
  const smoke = results.filter((result) => result.smoke).map(({ suite }) => suite)
  if (results.length === 0) throw new NotReportable({ problem: "there are no results: run `npm run bench` first" })
  if (smoke.length > 0) {
    throw new NotReportable({ problem: `results of a smoke run say nothing, measure in full: ${smoke.join(", ")}` })
  }
}
