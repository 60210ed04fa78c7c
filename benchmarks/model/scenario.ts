/** What the model is asked for the guide: 1,000,000,000 records on up to 100 runners, and what it says beside what was measured. */
import { random } from "../load.ts"
import { callSecondsOf, type Measured, modelOf } from "./measure.ts"
import { type Model, simulate } from "./simulate.ts"

export const seed = 7

/** What Pinecone documents for a namespace. */
const callsPerSecond = 100
const bytesPerSecond = 50_000_000

/** An id, 384 float32 and four short fields of metadata. */
const recordBytes = 1_700

export interface Asked {
  readonly records: number
  readonly runners: number
  readonly namespaces: number
  /** What one runner can do by itself. */
  readonly perRunner: number
  /** What the storage takes. */
  readonly transactions: number
}

export const usual: Omit<Asked, "runners" | "namespaces"> = {
  records: 1_000_000_000,
  perRunner: 5_000,
  transactions: 340
}

export const scenario = ({ namespaces, perRunner, records, runners, transactions }: Asked): Model => ({
  load: { records, partitions: Math.max(1, Math.min(10_000, Math.ceil(records / 10_000))), batch: 1_000 },
  runners: {
    count: runners,
    concurrency: 4,
    inFlight: 8,
    recordsPerSecond: perRunner,
    lifeSeconds: 24 * 3600,
    restartSeconds: 60
  },
  limits: {
    callSeconds: 0.5,
    recordsPerSecond: namespaces * Math.min(callsPerSecond * 1_000, bytesPerSecond / recordBytes)
  },
  engine: {
    shards: 300,
    dispatchedPerSecond: 70,
    failoverSeconds: 7,
    transactionsPerSecond: transactions,
    transactionsPerCall: 3
  }
})

const runners = [1, 2, 5, 10, 20, 50, 100]
const namespaces = [1, 10, 100]

const hours = (seconds: number): string => {
  const value = seconds / 3600
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en")
}

const percent = (part: number): string => `${Math.round(part * 100)} %`

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`)

/** The last number of runners that saved a tenth of the time or more for each doubling. */
const paysOff = (seconds: ReadonlyArray<number>): number => {
  let last = 0
  seconds.forEach((now, i) => {
    const before = seconds[i - 1]
    const times = (runners[i] ?? 1) / (runners[i - 1] ?? 1)
    if (before !== undefined && now < before * 0.9 ** Math.log2(times)) last = i
  })
  return runners[last] ?? 1
}

/** Seconds that the model expects of what was measured, in the same order. */
export const expected = ({ rows }: typeof Measured.Type): ReadonlyArray<number> => {
  const alone = rows.find(({ runners }) => runners === 1)?.seconds ?? NaN
  return rows.map(({ runners }) => simulate(modelOf(runners, callSecondsOf(alone)), random(seed)).seconds)
}

/** The figures of the guide. */
export const figures = (measured: typeof Measured.Type): string => {
  const predictions = namespaces.map((namespaces) =>
    runners.map((runners) => simulate(scenario({ ...usual, namespaces, runners }), random(seed)))
  )
  const least = predictions.map((of) => paysOff(of.map(({ seconds }) => seconds)))
  const most = predictions[0]?.at(-1)
  const wanted = expected(measured)
  const first = scenario({ ...usual, namespaces: 1, runners: 1 })
  return [
    `Hours for ${usual.records.toLocaleString("en")} records, and the part of what store and storage allow that is used:`,
    "",
    ...table(
      ["runners", ...namespaces.map((count) => `${count} ${count === 1 ? "namespace" : "namespaces"}`)],
      runners.map((count, i) => [
        String(count),
        ...predictions.map((of) => {
          const { seconds, used } = of[i] ?? { seconds: NaN, used: NaN }
          return `${hours(seconds)} h, ${percent(used)}`
        })
      ])
    ),
    "",
    `More runners pay off up to about ${namespaces.map((count, i) => `${least[i]} with ${count}`).join(", ")} ` +
      `(namespaces). With 100 runners on one namespace ${most?.deaths} died meanwhile, and ` +
      `${most?.resent.toLocaleString("en")} records were sent again.`,
    "",
    `Assumed: calls of ${first.load.batch.toLocaleString("en")} records of ${recordBytes.toLocaleString("en")} bytes that take ` +
      `${first.limits.callSeconds * 1000} ms; ${first.runners.concurrency} partitions at a time on a runner, ` +
      `${first.runners.inFlight} calls in flight of each; ${usual.perRunner.toLocaleString("en")} records/s are what a runner ` +
      `can read, embed or encode by itself; a namespace takes ${callsPerSecond} calls and ${bytesPerSecond / 1e6} MB a second; ` +
      `${first.load.partitions.toLocaleString("en")} partitions, by chance on ${first.engine.shards} shards, ` +
      `${first.engine.dispatchedPerSecond} dispatched a second; a runner lives for ${first.runners.lifeSeconds / 3600} hours on average, is taken ` +
      `over after ${first.engine.failoverSeconds} s and back after ${first.runners.restartSeconds} s; a call costs ` +
      `${first.engine.transactionsPerCall} transactions (ledger and shared rates) of the ${usual.transactions} a second that ` +
      "PostgreSQL took on two busy cores. Retries, refusals and backoff are left out.",
    "",
    `Measured, ${measured.at}, on two cores, each runner a process on the embedded storage, calls that take 200 ms and a shared rate of ` +
      "50 a second. The time of a call, with its ledger, is taken from the run of one runner; the others are predicted:",
    "",
    ...table(
      ["runners", "measured", "model", ""],
      measured.rows.map(({ runners, seconds }, i) => {
        const model = wanted[i] ?? NaN
        const off = ((model - seconds) / seconds) * 100
        const difference = runners === 1 ? "given" : `${off > 0 ? "+" : ""}${off.toFixed(1)} %`
        return [String(runners), `${seconds.toFixed(1)} s`, `${model.toFixed(1)} s`, difference]
      })
    )
  ].join("\n")
}
