/** What streams, checks, outcomes, retries, metrics and spans cost beside the official client in a loop. */
import type { Bar, Row } from "../result.ts"
import {
  type Amount,
  atLeast,
  type Contender,
  type Group,
  isAt,
  type Point,
  type Settings,
  type Suite
} from "../suite.ts"

const baseline: Contender = { name: "SDK 9 pool", program: "upsertSdk.ts", settings: { version: "9" }, baseline: true }
const sdkLayer: Contender = { name: "SDK layer", program: "upsertLayer.ts", settings: { transport: "sdk" } }
const grpcLayer: Contender = { name: "gRPC layer", program: "upsertLayer.ts", settings: { transport: "grpc" } }

const contenders = [baseline, sdkLayer, grpcLayer]

const dimensions = [1536, 384, 100] as const
type Dimension = (typeof dimensions)[number]

/** About what a contender does in a second, so that each point takes about as long as it should. */
const roughly: Record<string, Record<Dimension, number>> = {
  [baseline.name]: { 100: 18_000, 384: 6000, 1536: 1700 },
  [sdkLayer.name]: { 100: 18_000, 384: 6000, 1536: 1700 },
  [grpcLayer.name]: { 100: 40_000, 384: 24_000, 1536: 15_000 }
}

/** About what fits into a call of 2 MB. */
const autoBatch: Record<Dimension, number> = { 100: 900, 384: 240, 1536: 61 }

const whole = (count: number, batch: number): number => Math.max(1, Math.ceil(count / batch)) * batch

interface Load {
  readonly dimension: Dimension
  readonly batch: number | "auto"
  readonly concurrency: number
  readonly latencyMillis: number
}

/** Records for a time, and for two rounds of calls where those do not take much longer. */
const amountOf =
  ({ batch, concurrency, dimension, latencyMillis }: Load, seconds: number, warmUpSeconds: number) =>
  ({ name }: Contender): Amount => {
    const size = batch === "auto" ? autoBatch[dimension] : batch
    const bound = latencyMillis === 0 ? Infinity : (1000 / latencyMillis) * concurrency * size
    const perSecond = Math.min(roughly[name]?.[dimension] ?? 0, bound)
    const least = Math.min(2 * concurrency * size, whole(perSecond * 3 * seconds, size))
    return {
      warmUp: Math.max(least, whole(perSecond * warmUpSeconds, size)),
      timed: Math.max(least, whole(perSecond * seconds, size))
    }
  }

const server = { program: "drain.ts", settings: { latencies: "0,20" } }

const headline = { batch: 100, concurrency: 8, latencyMillis: 0 } as const

const headlineOf = (dimension: Dimension, smoke: boolean): Group => {
  const load = { dimension, ...headline }
  const [seconds, warmUpSeconds] = smoke ? [0.1, 0.05] : [2, 0.8]
  return {
    label: `${dimension}-d, batch 100, 8 in flight`,
    server,
    contenders,
    points: [{ at: { ...load }, amount: amountOf(load, seconds, warmUpSeconds) }]
  }
}

/** The rest of the grid of one dimension. */
const gridOf = (dimension: Dimension, smoke: boolean): Group => {
  const points: Array<Point> = []
  for (const latencyMillis of [0, 20]) {
    for (const batch of [100, 10, "auto"] as const) {
      for (const concurrency of [1, 8, 16]) {
        const load = { dimension, batch, concurrency, latencyMillis }
        if (batch === headline.batch && concurrency === headline.concurrency && latencyMillis === 0) continue
        if (smoke && (batch !== "auto" || concurrency !== 8)) continue
        // The first point warms up for all, the others their connections.
        const warmUpSeconds = smoke ? 0.02 : points.length === 0 ? 0.5 : 0.03
        points.push({ at: { ...load }, amount: amountOf(load, smoke ? 0.02 : 0.15, warmUpSeconds) })
      }
    }
  }
  return { label: `${dimension}-d, the grid`, server, contenders, points }
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
    "checks, order, outcomes, retries, metrics and spans on, over the SDK layer and the gRPC layer. The server is in another process " +
    "on the same machine and only drains: it drops what it is sent without reading it, so it shows what the client costs and not " +
    "how fast Pinecone is. Batch auto is the most that fits into the 2 MB which the service documents; batches of a fixed " +
    "size are sent as they are, also where they are larger (100 of 1536-d as the SDK writes them are 3 MB). At batch 100, " +
    "8 in flight, 0 ms each contender has a process of its own and about 2 s; the rest of the grid shares a process for each " +
    "contender, dimension and round, and has about 0.15 s a point.",
  plan: ({ smoke }) => {
    const some = smoke ? dimensions.slice(0, 1) : dimensions
    return {
      groups: [
        ...some.map((dimension) => headlineOf(dimension, smoke)),
        ...some.map((dimension) => gridOf(dimension, smoke))
      ],
      bars
    }
  }
}
