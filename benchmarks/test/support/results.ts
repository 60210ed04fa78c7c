/** Results of every suite, made up, for tests of the report: also missed bars, losing rows, and contenders that could not run. */
import type { Result, Row, Spread } from "../../result.ts"

const around = (median: number): Spread => ({ median, min: median * 0.94, max: median * 1.07 })

const row = (contender: string, point: Row["point"], figures: Partial<Row>, baseline = false): Row => ({
  contender,
  point,
  baseline,
  rounds: 5,
  ...figures
})

const result = (suite: string, rows: ReadonlyArray<Row>, bars: Result["bars"] = []): Result => ({
  suite,
  title: `The title of ${suite}, for <people> & machines`,
  method: `How ${suite} was measured.`,
  measuredAt: "2026-01-02T03:04:05.000Z",
  seconds: 61.5,
  smoke: false,
  machine: {
    processor: "A processor",
    cores: 2,
    memoryBytes: 8 * 2 ** 30,
    system: "Linux 6 x64",
    versions: { node: "24.0.0", effect: "4.1.0", "pinecone-sdk-9": "9.0.0" }
  },
  rows,
  bars
})

const speeds = { 100: 18_000, 384: 6000, 1536: 1700 }
const factors = {
  "SDK 9 pool": () => 1,
  "SDK layer": () => 0.97,
  "gRPC layer": (dimension: number) => 2 + dimension / 180
}

const upserts = (): ReadonlyArray<Row> =>
  Object.entries(speeds).flatMap(([dimension, base]) =>
    [0, 20].flatMap((latencyMillis) =>
      [10, 100, "auto"].flatMap((batch) =>
        [1, 8, 16].flatMap((concurrency) =>
          Object.entries(factors).map(([contender, factor]) => {
            const times = factor(Number(dimension)) * (1 + concurrency / 100)
            const baseline = contender === "SDK 9 pool"
            return row(
              contender,
              { dimension: Number(dimension), batch, concurrency, latencyMillis },
              {
                perSecond: around(base * times),
                cpuMicros: around(1e6 / base / times),
                peakBytes: around(2e8),
                ...(baseline ? {} : { ratio: around(times) })
              },
              baseline
            )
          })
        )
      )
    )
  )

const knob = (setting: string, values: ReadonlyArray<number>): ReadonlyArray<Row> =>
  ["upsert, REST", "upsert, gRPC", "query", "get-features", "ingest"].flatMap((contender, at) =>
    values.map((value) =>
      row(
        contender,
        // As in the suites: the other knob is fixed for each contender, and Tecton's have no dimension.
        { ...(at < 3 ? { dimension: 384 } : {}), batch: 10 * (at + 1), concurrency: 8, [setting]: value },
        {
          perSecond: around((8000 * (at + 1) * value) / (value + 20)),
          p50Millis: around(20 + value / 50),
          p99Millis: around(25 + value / 10)
        }
      )
    )
  )

export const results: ReadonlyArray<Result> = [
  result("overhead", upserts(), [
    { name: "SDK layer over the SDK pool", bar: 0.95, ratio: 0.93, sense: "atLeast", ok: false },
    { name: "gRPC layer over the SDK pool at 1536-d", bar: 9, ratio: 10.6, sense: "atLeast", ok: true }
  ]),
  result("peers", [
    ...["SDK 9 pool", "SDK 8 pool", "SDK 7 pool", "SDK layer", "gRPC layer"].map((contender, at) =>
      row(
        contender,
        { dimension: 384 },
        { perSecond: around(6000 + 900 * at), cpuMicros: around(150 - 20 * at) },
        at === 0
      )
    ),
    row("LangChain", { dimension: 384 }, { rounds: 0, note: "it has no option for this" })
  ]),
  result(
    "scan",
    ["serial list, then fetch", "scan, defaults", "scan, 8 prefixes", "scan, 8 prefixes, gRPC"].map((contender, at) =>
      row(
        contender,
        { latencyMillis: 20 },
        { perSecond: around(2000 * (1 + at * 2)), ratio: around(1 + at * 2) },
        at === 0
      )
    ),
    [{ name: "scan over serial", bar: 5, ratio: 5.2, sense: "atLeast", ok: true }]
  ),
  result(
    "features",
    [5, 100].flatMap((features) =>
      [0, 20].flatMap((latencyMillis) =>
        [10, 100].flatMap((batch) =>
          [1, 8].flatMap((concurrency) => {
            const point = { features, types: "bound", batch, concurrency, latencyMillis }
            return [
              row("fetch in a promise pool", point, { perSecond: around(9000) }, true),
              row("TectonSource.features", point, { perSecond: around(8800), ratio: around(0.98) })
            ]
          })
        )
      )
    )
  ),
  result("batch-size", knob("batch", [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000])),
  result("concurrency", knob("concurrency", [1, 2, 4, 8, 16, 32, 64])),
  result(
    "goodput",
    ["paced", "not paced"].map((contender, at) =>
      row(
        contender,
        { requestsPerSecond: 50 },
        { perSecond: around(5000 - 400 * at), extra: { refusedCalls: around(1 + 800 * at) } }
      )
    )
  ),
  result(
    "scale",
    ["SDK layer", "gRPC layer"].flatMap((contender, at) =>
      [10_000, 100_000, 1_000_000].map((records) =>
        row(contender, { records }, { cpuMicros: around(150 - 100 * at), extra: { residentMegabytes: around(200) } })
      )
    )
  ),
  result(
    "core",
    ["stream alone", "batcher", "write engine"].flatMap((contender, at) =>
      [4096, 100, 10, 1].map((chunk) =>
        row(contender, { chunk }, { cpuMicros: around((0.1 + at) * (1 + 5 / chunk)), perSecond: around(1e6) }, at === 0)
      )
    )
  )
]
