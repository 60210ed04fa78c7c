/** Runs every check of the repository, also after one has failed, and ends with what failed and the test counts. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"

const report = ".cache/tests.json"

const steps: ReadonlyArray<readonly [title: string, ...npmRun: ReadonlyArray<string>]> = [
  ["format", "format:check"],
  ["lint", "lint"],
  ["types", "check"],
  ["effect diagnostics", "check:effect"],
  [
    "tests and coverage",
    "test:unit",
    "--",
    "--coverage",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`
  ]
]

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: ReadonlyArray<{ readonly status: string; readonly assertionResults: ReadonlyArray<unknown> }>
}

/** A file that could not even be loaded counts as one failure. */
const counts = ({ numFailedTests, numPassedTests, testResults }: Report): string => {
  const notLoaded = testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0).length
  return `${numPassedTests} passed, ${numFailedTests + notLoaded} failed`
}

fs.rmSync(report, { force: true })
const failed: Array<string> = []
steps.forEach(([title, ...npmRun], index) => {
  console.log(`\n[${index + 1}/${steps.length}] ${title}`)
  const start = performance.now()
  const { status } = spawnSync("npm", ["run", "--silent", ...npmRun], { stdio: "inherit" })
  if (status !== 0) failed.push(title)
  console.log(`${status === 0 ? "ok" : "FAILED"} after ${((performance.now() - start) / 1000).toFixed(1)} s`)
})

console.log(failed.length === 0 ? "\nAll checks passed." : `\nFailed: ${failed.join(", ")}.`)
if (fs.existsSync(report)) console.log(counts(JSON.parse(fs.readFileSync(report, "utf8"))))
process.exitCode = failed.length === 0 ? 0 : 1
