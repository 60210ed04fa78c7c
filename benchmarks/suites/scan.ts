/** Reading a whole index: the ids page by page, and the records of each page. */
import type { Row } from "../result.ts"
import { type Amount, atLeast, type Contender, isAt, type Suite } from "../suite.ts"

const latencyMillis = 20
const parts = 16

const scanner = (name: string, settings: Contender["settings"]): Contender => ({
  name,
  program: "scanLayer.ts",
  settings
})

const inParts = { prefixes: parts, rates: "none" }

const serial: Contender = { name: "serial list, then fetch", program: "scanSdk.ts", baseline: true }
const defaults = scanner("scan, all defaults", { transport: "sdk" })
const rest = scanner(`scan, ${parts} prefixes`, { transport: "sdk", ...inParts })
const grpc = scanner(`scan, ${parts} prefixes, gRPC`, { transport: "grpc", ...inParts })

const contenders = [
  serial,
  defaults,
  scanner("scan, one chain, gRPC", { transport: "grpc", rates: "none" }),
  scanner(`scan, ${parts} prefixes, rates kept`, { transport: "sdk", prefixes: parts }),
  rest,
  grpc
]

const bar = 5

const bars = (rows: ReadonlyArray<Row>) =>
  [rest, grpc].map(({ name }) =>
    atLeast(`${name}, over ${serial.name} at ${latencyMillis} ms`, bar, rows.find(isAt(name, {}))?.ratio?.median ?? 0)
  )

/** Whole scans, since a part of one is none. Those of the first 3 s are not counted; of the fast contenders several are. */
const amountOf =
  (records: number, smoke: boolean) =>
  ({ baseline, settings }: Contender): Amount => {
    if (smoke) return { warmUp: 0, timed: records }
    if (baseline === true) return { warmUp: 2 * records, timed: records }
    return settings?.["prefixes"] === undefined
      ? { warmUp: 3 * records, timed: records }
      : { warmUp: 8 * records, timed: 4 * records }
  }

export const scan: Suite = {
  name: "scan",
  title: "Reading a whole index: scan beside list, then fetch",
  method:
    "An emulator in another process holds records with four fields of metadata and answers each call 20 ms after it came. The " +
    "baseline is written by hand with the official SDK 9: a page of 100 ids, a fetch of their records, the next page. scan fetches while it " +
    "lists; each page of ids needs the token of the one before, so one chain of pages can be twice as fast at most. With prefixes it " +
    "reads as many chains side by side. All defaults: with the rates that Pinecone documents kept (100 fetches a second for an " +
    "index); so it is in the row that says so, and in no other. Every scan compares its count with that of the index, which the baseline " +
    "does not. Client and emulator share the processors: over REST both spend most of the time on text of numbers.",
  plan: ({ smoke }) => {
    const records = smoke ? 160 : 3200
    const dimension = 100
    return {
      groups: [
        {
          label: `${records} records, ${latencyMillis} ms`,
          server: { program: "emulatedIndex.ts", settings: { records, dimension, latencyMillis, prefixes: parts } },
          contenders,
          points: [{ at: { records, dimension, latencyMillis }, amount: amountOf(records, smoke) }]
        }
      ],
      bars
    }
  }
}
