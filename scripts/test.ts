/** Runs every check of the repository, also after one has failed, and ends with what failed and the test counts. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"

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
  readonly testResults: ReadonlyArray<{
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: ReadonlyArray<{
      readonly fullName: string
      readonly status: string
      readonly failureMessages: ReadonlyArray<string>
    }>
  }>
}

/** The tests that failed, each with the first line of why: above, the reports of other tests may be long. */
const failures = ({ testResults }: Report): ReadonlyArray<string> =>
  testResults.flatMap(({ assertionResults, message, name, status }) => {
    const file = path.relative(".", name)
    const line = (what: string, why: string = "") => `${what}: ${why.split("\n")[0]}`
    const failed = assertionResults.filter((test) => test.status === "failed")
    // A file that could not be loaded, or one whose hooks failed, counts as one failure.
    if (status === "failed" && failed.length === 0) return [line(file, message)]
    return failed.map(({ failureMessages, fullName }) => line(`${file} > ${fullName}`, failureMessages[0]))
  })

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
if (fs.existsSync(report)) {
  const results: Report = JSON.parse(fs.readFileSync(report, "utf8"))
  const failedTests = failures(results)
  for (const failure of failedTests) console.log(failure)
  console.log(`${results.numPassedTests} passed, ${failedTests.length} failed`)
}
process.exitCode = failed.length === 0 ? 0 : 1
