/** The report: one page that asks for nothing from anywhere. */
import * as fs from "node:fs"
import * as path from "node:path"
import type { Machine, Result } from "../result.ts"
import type * as Schema from "effect/Schema"
import { draw, first } from "./figures.ts"
import { headlineOf, rowOf, sentence } from "./headline.ts"
import { escape, table } from "./html.ts"
import { barTable, figureHtml, section } from "./section.ts"
import { figure } from "./text.ts"
import { adviceCells, adviceHead, adviceOf, enough } from "./tuning.ts"

const style = fs.readFileSync(path.join(import.meta.dirname, "style.css"), "utf8")

/** An empty icon, so that a browser does not ask for one. */
const icon = '<link rel="icon" href="data:,">'

export const page = (results: ReadonlyArray<Result>): string =>
  [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">",
    "<title>effect-connectors: how fast</title>",
    icon,
    `<style>\n${style}</style>`,
    "</head>",
    "<body>",
    "<main>",
    ...top(results),
    ...must(results),
    ...results.map(section),
    ...tuning(results),
    ...method,
    ...machines(results),
    "</main>",
    "</body>",
    "</html>",
    ""
  ].join("\n")

const top = (results: ReadonlyArray<Result>): ReadonlyArray<string> => {
  const found = headlineOf(results)
  const overhead = results.find(({ suite }) => suite === "overhead")
  const [drawn] = overhead === undefined ? [] : draw(overhead, first)
  return [
    "<header>",
    "<h1>effect-connectors: how fast</h1>",
    ...(found === undefined
      ? ['<p class="lead">Upserts were not measured in this run.</p>']
      : [`<p class="lead">${escape(sentence(found))}</p>`]),
    ...(drawn === undefined ? [] : [figureHtml(drawn, "first")]),
    ...(found === undefined
      ? []
      : [
          '<ul class="tiles">',
          ...found.contenders.map((contender) => {
            const cells = found.dimensions.flatMap((dimension) => {
              const row = rowOf(found, contender, dimension)
              return row?.perSecond === undefined ? [] : [`<b>${figure(row.perSecond.median)}</b> of ${dimension}-d`]
            })
            return `<li><span>${escape(contender)}</span>${cells.join("<br>")}<br><span>vectors/s</span></li>`
          }),
          "</ul>",
          "<p>Batches of 100, 8 calls in flight, a server on the same machine that only drains: what the client can do, " +
            'not what Pinecone takes. <a href="#method">Method and caveats</a>.</p>'
        ]),
    "</header>",
    `<nav aria-label="Suites"><ul>${results
      .map(({ suite }) => `<li><a href="#${escape(suite)}">${escape(suite)}</a></li>`)
      .join("")}<li><a href="#tuning">how to tune</a></li><li><a href="#method">method</a></li></ul></nav>`
  ]
}

const must = (results: ReadonlyArray<Result>): ReadonlyArray<string> => {
  const bars = results.flatMap(({ bars }) => bars)
  if (bars.length === 0) return []
  const missed = bars.filter(({ ok }) => !ok).length
  const words = missed === 0 ? `All ${bars.length} bars hold.` : `${missed} of ${bars.length} bars are missed.`
  return [
    '<section id="bars"><h2>What must hold</h2>',
    `<p>${words} A bar is set before it is measured; <code>npm run bench</code> ends with status 1 when one is missed.</p>`,
    barTable(results),
    "</section>"
  ]
}

const knobs: ReadonlyArray<readonly [suite: string, setting: string, words: string]> = [
  [
    "batch-size",
    "batch",
    "A larger batch shares what a call costs among more records, and each call takes longer: an answer comes later, and more " +
      "is sent again after a failure."
  ],
  [
    "concurrency",
    "concurrency",
    "More calls in flight hide the latency of each until the processor, the service or its quota is what limits; from there on " +
      "they only wait for one another."
  ]
]

const tuning = (results: ReadonlyArray<Result>): ReadonlyArray<string> => [
  '<section id="tuning"><h2>How to tune</h2>',
  "<p>Most programs need nothing: batches are cut by count, bytes and time, concurrency adapts to what the service takes, and " +
    "quotas are kept. Where a figure matters more than the others:</p>",
  "<ul>",
  "<li><b>Throughput of vectors</b>: use <code>PineconeGrpc.layer</code> in place of <code>PineconeIndex.layer</code>; what it gains grows " +
    "with the dimension, since numbers are then not written as text.</li>",
  "<li><b>Latency of an answer</b>: the smallest batch and concurrency that are fast enough, from the tables below.</li>",
  "<li><b>Memory</b>: what is in flight is bounded by batch times concurrency, not by the length of the stream.</li>",
  "<li><b>Sources</b>: give chunks, not single elements; what is done once for each chunk is then done seldom.</li>",
  "<li><b>Quotas</b>: leave pacing on; calls that would be refused are then not sent.</li>",
  "</ul>",
  ...knobs.flatMap(([suite, setting, words]) => {
    const result = results.find((result) => result.suite === suite)
    const advice = result === undefined ? [] : adviceOf(result, setting)
    if (advice.length === 0) return []
    return [
      `<h3>${suite === "batch-size" ? "Batch size" : "Concurrency"}</h3>`,
      `<p>${words} Enough is the smallest value with ${enough * 100} % of the speed of the fastest that was measured.</p>`,
      table(
        `From where on more gains little: ${setting}`,
        adviceHead(setting),
        advice.map((one) => adviceCells(one).map((text, at) => ({ text, number: at > 0 })))
      )
    ]
  }),
  "</section>"
]

const method: ReadonlyArray<string> = [
  '<section id="method"><h2>Method and caveats</h2>',
  "<ul>",
  "<li>Contenders take turns (A B C, B C A, ...), each in a fresh process that warms up before it is timed, against a server in another process.</li>",
  "<li>Figures are medians of the rounds; in brackets and as thin lines on bars: the least and the most of them. A ratio is made of pairs " +
    "of the same round, so that what slows the machine for a while slows both.</li>",
  "<li>Processor time is that of the contender's whole process in the timed part, with its garbage collection and compiler threads.</li>",
  "<li>Client and server share the processors and a loopback without TLS or a real network. Where a service is the limit, as Pinecone " +
    "often is, a faster client shows in processor time and not in vectors a second.</li>",
  "<li>Vectors are numbers as embedding models give them (float32). Text of other numbers is longer or shorter.</li>",
  "<li>Nothing was measured on the live services.</li>",
  "<li>Rows in which the connectors lose, and contenders that could not run, are kept.</li>",
  "</ul>",
  "<p>Every number on this page comes from a file in <code>benchmarks/results</code>: <code>npm run bench</code> measures, " +
    "<code>npm run bench:report</code> writes this page.</p>",
  "</section>"
]

type MachineType = Schema.Schema.Type<typeof Machine>

export const machineText = ({ cores, memoryBytes, processor, system }: MachineType): string =>
  `${cores} cores (${processor.trim()}), ${Math.round(memoryBytes / 2 ** 30)} GB, ${system}`

const machines = (results: ReadonlyArray<Result>): ReadonlyArray<string> => {
  const differ = new Set(results.map(({ machine }) => JSON.stringify(machine))).size > 1
  return [
    '<section id="machine"><h2>Where and when</h2>',
    ...(differ ? ["<p><b>Not all suites ran on the same machine with the same versions.</b></p>"] : []),
    table(
      "The runs",
      ["suite", "measured", "seconds", "machine", "versions"],
      results.map(({ machine, measuredAt, seconds, suite }) => [
        { text: suite },
        { text: `${measuredAt.slice(0, 16).replace("T", " ")} UTC` },
        { text: figure(seconds), number: true },
        { text: machineText(machine) },
        {
          text: Object.entries(machine.versions)
            .map(([name, version]) => `${name} ${version}`)
            .join(", ")
        }
      ])
    ),
    "</section>"
  ]
}
