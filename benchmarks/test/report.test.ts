/** The report in a real browser: Debian's Chromium, where it is installed. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { type BrowserContext, chromium } from "playwright-core"
import { figures as docsFigures } from "../report/docs.ts"
import { page as reportPage } from "../report/page.ts"
import { checkResults, readResults } from "../report/results.ts"
import { adviceOf } from "../report/tuning.ts"
import { results as madeUp } from "./support/results.ts"
import { look, seenOf } from "./support/seen.ts"

const benchmarks = path.join(import.meta.dirname, "..")
const kept = path.join(benchmarks, "results")
const measured = fs.existsSync(kept) ? readResults(kept) : []

const executablePath = "/usr/bin/chromium"
const installed = fs.existsSync(executablePath)

describe("the report", () => {
  it("is what its command makes of the results that are kept", () => {
    const file = path.join(benchmarks, "report/index.html")
    if (measured.length === 0) return assert.isFalse(fs.existsSync(file), "a report of nothing")
    assert.isTrue(fs.readFileSync(file, "utf8") === reportPage(measured), "run `npm run bench:report` again")
    const docs = fs.readFileSync(path.join(benchmarks, "../docs/performance.md"), "utf8")
    assert.include(docs, docsFigures(measured), "run `npm run bench:report` again")
  })

  it("refuses smoke runs and nothing at all", () => {
    assert.throws(() => checkResults(madeUp.map((result) => ({ ...result, smoke: true }))), "smoke run")
    assert.throws(() => checkResults([]), "npm run bench")
    checkResults(madeUp)
  })

  it("keeps every row, also of what lost or could not run, and says by how much a bar is missed", () => {
    const html = reportPage(madeUp)
    assert.include(html, "LangChain: it has no option for this")
    assert.include(html, "missed by 0.02 (2.11 %)")
    for (const { rows, suite } of madeUp) {
      assert.include(html, `All ${rows.length} rows`)
      assert.include(html, `<section id="${suite}"`)
    }
    assert.isBelow(Buffer.byteLength(html), 500_000)
  })

  it("shows what it is given as text", () => {
    const html = reportPage(madeUp)
    assert.include(html, "for &lt;people&gt; &amp; machines")
    assert.notInclude(html, "<people>")
  })

  it("takes for enough the smallest value that is nearly as fast as the fastest", () => {
    const batchSize = madeUp.find(({ suite }) => suite === "batch-size")
    assert.isDefined(batchSize)
    const advice = adviceOf(batchSize, "batch")
    assert.deepStrictEqual(
      advice.map(({ fastest, smallest, what }) => [what, smallest.point["batch"], fastest.point["batch"]]),
      [
        ["upsert, REST", 200, 1000],
        ["upsert, gRPC", 200, 1000],
        ["query", 200, 1000],
        ["get-features", 200, 1000],
        ["ingest", 200, 1000]
      ]
    )
  })
})

const reports = { "made-up results": madeUp, ...(measured.length > 0 ? { "the results that are kept": measured } : {}) }

describe.skipIf(!installed)(
  `the report in Chromium${installed ? "" : `: skipped, there is no ${executablePath}`}`,
  () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "report-"))
    let browser: BrowserContext

    beforeAll(async () => {
      browser = await chromium.launchPersistentContext(path.join(directory, "profile"), {
        executablePath,
        headless: true,
        args: [
          "--no-sandbox",
          "--disable-gpu",
          "--disable-quic",
          "--no-first-run",
          "--disable-background-networking",
          "--disable-component-update",
          "--disable-sync"
        ]
      })
    }, 60_000)

    afterAll(async () => {
      await browser.close()
      fs.rmSync(directory, { recursive: true, force: true })
    })

    for (const [name, results] of Object.entries(reports)) {
      for (const width of [1280, 390]) {
        it(`shows ${name} at a width of ${width}`, async () => {
          const file = path.join(directory, "index.html")
          fs.writeFileSync(file, reportPage(results))
          const page = await browser.newPage()
          const said: Array<string> = []
          const requests: Array<string> = []
          page.on("console", (message) => said.push(message.text()))
          page.on("pageerror", ({ message }) => said.push(message))
          page.on("request", (request) => requests.push(request.url()))
          await page.setViewportSize({ width, height: 900 })
          await page.goto(pathToFileURL(file).href)

          // All of it, also what has to be opened.
          await page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
          const seen = seenOf(await page.evaluate(look))
          await page.close()

          assert.deepStrictEqual(said, [])
          assert.deepStrictEqual(requests, [pathToFileURL(file).href])
          assert.isAtMost(seen.pageWidth, width)
          const missing = results.filter(({ suite }) => !seen.sections.includes(suite))
          assert.deepStrictEqual(missing, [], "suites without a section")
          assert.isNotEmpty(seen.charts)
          for (const chart of seen.charts) {
            assert.strictEqual(chart.visible, 1, `${chart.name}: one of its two drawings is shown`)
            assert.isAbove(chart.width, width * 0.6, chart.name)
            assert.isAbove(chart.height, 60, chart.name)
            assert.isAtLeast(chart.leastText, 11, `${chart.name}: text can be read`)
            assert.deepStrictEqual(chart.cutOff, [], `${chart.name}: text that leaves the chart`)
            assert.deepStrictEqual(chart.overlapping, [], `${chart.name}: text over other text`)
            assert.isTrue(chart.described && chart.hasTable, chart.name)
          }
        })
      }
    }
  }
)
