/** What the engines cost a record by themselves. */
import type { Row } from "../result.ts"
import { atMost, type Contender, isAt, type Suite } from "../suite.ts"

const part = (name: string, part: string, baseline = false): Contender => ({
  name,
  program: "core.ts",
  settings: { part },
  baseline
})

const contenders = [
  part("stream alone", "stream", true),
  part("batcher", "batcher"),
  part("outcomes", "outcomes"),
  part("write engine", "write"),
  part("lookup engine", "lookup"),
  part("scan engine", "scan")
]

/** Records a chunk of the source, or a page of a scan: a whole Parquet page, a usual batch, a short one, single elements. */
const chunks = { 4096: 400_000, 100: 400_000, 10: 200_000, 1: 60_000 }

/** A page is a call, so small ones cost a scan much: a tenth of the records takes as long. */
const share = ({ settings }: Contender, chunk: number): number =>
  settings?.["part"] === "scan" && chunk < 100 ? 0.1 : 1

/** Microseconds of processor time a record, for chunks of 100: far above what they are, to notice when they are not. */
const allowed: Record<string, number> = {
  batcher: 1,
  outcomes: 1,
  "write engine": 10,
  "lookup engine": 10,
  "scan engine": 5
}

const micros = (rows: ReadonlyArray<Row>, contender: string): number =>
  rows.find(isAt(contender, { chunk: 100 }))?.cpuMicros?.median ?? Infinity

export const core: Suite = {
  name: "core",
  title: "The engines alone: per record, on a store that costs nothing",
  method:
    "A stream of small records from memory, in chunks of four sizes, goes through one part of the core at a time, with a store " +
    "that answers at once; the first row is the stream without any part. The time of a record is what the part adds to a " +
    "program beside its store. Batches of 100, everything at its defaults.",
  plan: ({ smoke }) => ({
    groups: [
      {
        label: "every part, chunks of four sizes",
        contenders,
        points: Object.entries(chunks).map(([chunk, count]) => ({
          at: { chunk: Number(chunk) },
          amount: (contender) => {
            const timed = count * share(contender, Number(chunk))
            return smoke ? { warmUp: 500, timed: 1000 } : { warmUp: timed / 2, timed }
          }
        }))
      }
    ],
    bars: (rows) =>
      Object.entries(allowed).map(([contender, bar]) =>
        atMost(`${contender}: CPU us a record, chunks of 100`, bar, micros(rows, contender))
      )
  })
}
