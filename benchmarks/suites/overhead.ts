/** What streams, checks, outcomes, retries, metrics and spans cost beside the official client in a loop. */
import type { Bar, Row } from "../result.ts"
import { atLeast, type Group, isAt, type Point, type Settings, type Suite } from "../suite.ts"
import { amountFor, type Dimension, dimensions, drain, grpcLayer, headline, sdkLayer, sdkPool } from "./upserts.ts"

const contenders = [sdkPool, sdkLayer, grpcLayer]

/** One dimension: the headline first, which warms up for all, and the rest of the grid. */
const groupOf = (dimension: Dimension, smoke: boolean): Group => {
  const first = { dimension, ...headline }
  const points: Array<Point> = [{ at: first, amount: smoke ? amountFor(first, 0.1, 0.05) : amountFor(first, 1.2, 2.5) }]
  for (const latencyMillis of [0, 20]) {
    for (const batch of [100, 10, "auto"] as const) {
      for (const concurrency of [1, 8, 16]) {
        const load = { dimension, batch, concurrency, latencyMillis }
        if (batch === headline.batch && concurrency === headline.concurrency && latencyMillis === 0) continue
        if (smoke && (batch !== "auto" || concurrency !== 8)) continue
        points.push({ at: load, amount: amountFor(load, smoke ? 0.02 : 0.07, smoke ? 0.02 : 0.15) })
      }
    }
  }
  return { label: `${dimension}-d`, server: drain, contenders, points }
}

const ratioAt = (rows: ReadonlyArray<Row>, contender: string, at: Settings): number =>
  rows.find(isAt(contender, at))?.ratio?.median ?? 0

const text = ({ point }: Row): string =>
  `batch ${point["batch"]}, ${point["concurrency"]} in flight, ${point["latencyMillis"]} ms`

/** The SDK layer at its worst point of a dimension. */
const worst = (rows: ReadonlyArray<Row>, dimension: Dimension): Bar => {
  const measured = rows
    .filter(isAt(sdkLayer.name, { dimension }))
    .flatMap((row) => (row.ratio === undefined ? [] : [{ row, ratio: row.ratio.median }]))
  const least = measured.toSorted((a, b) => a.ratio - b.ratio)[0]
  const where = least === undefined ? "" : ` (${text(least.row)})`
  return atLeast(`SDK layer over the SDK pool, the worst point of ${dimension}-d${where}`, 0.95, least?.ratio ?? 0)
}

const grpcBars: Record<Dimension, number> = { 100: 2.2, 384: 4, 1536: 9 }

/** What this project was asked for at first. */
const wantedPerSecond = 5000

const bars = (rows: ReadonlyArray<Row>): ReadonlyArray<Bar> => [
  ...dimensions.map((dimension) => worst(rows, dimension)),
  ...dimensions.map((dimension) =>
    atLeast(
      `gRPC layer over the SDK pool at ${dimension}-d`,
      grpcBars[dimension],
      ratioAt(rows, grpcLayer.name, { dimension, ...headline })
    )
  ),
  atLeast(
    `SDK layer over ${wantedPerSecond} vectors/s of 384-d`,
    1,
    (rows.find(isAt(sdkLayer.name, { dimension: 384, ...headline }))?.perSecond?.median ?? 0) / wantedPerSecond
  )
]

export const overhead: Suite = {
  name: "overhead",
  title: "Upserts: the sink beside the official client in a promise pool",
  method:
    "Records with an id, a vector of float32 numbers and four fields of metadata are upserted. The baseline is the official SDK 9 " +
    "in a hand-written pool of promises, without retries; the others are one program, a Stream into PineconeSink.upsertOutcomes with " +
    "checks, order, outcomes, retries, metrics and spans on, over the SDK layer and the gRPC layer; only the rates that Pinecone documents " +
    "(100 upserts a second) are lifted, since nothing else would be measured. The server is in another process " +
    "on the same machine and only drains: it drops what it is sent without reading it, so it shows what the client costs and not " +
    "how fast Pinecone is. Batch auto is the most that fits into the 2 MB which the service documents; batches of a fixed " +
    "size are sent as they are, also where they are larger (100 of 1536-d as the SDK writes them are 3 MB). Each round is a " +
    "fresh process for each contender and dimension. It writes for about 2.5 s that are not counted, since until then a program " +
    "of this size is being compiled and its heap grows, and loads take longer than that; then it is timed for 1.2 s at batch 100, " +
    "8 in flight, 0 ms, and for at least 0.07 s and some turns of all calls in flight at each other point of the grid, after 0.15 s that are not counted.",
  plan: ({ smoke }) => ({
    groups: (smoke ? dimensions.slice(0, 1) : dimensions).map((dimension) => groupOf(dimension, smoke)),
    bars
  })
}
