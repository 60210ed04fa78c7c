/**
 * Memory stays as it is however much goes through: a million vectors by a process with a small heap, and, beside the
 * other cases, writes and reads by both connectors at a constant rate for a long time, after which nothing is left.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Findings, type Settings } from "../report.ts"
import * as Child from "../support/child.ts"
import * as Emulator from "../support/emulator.ts"
import { secrets } from "../support/witness.ts"

export interface Options extends Settings {
  readonly records: number
  readonly dimension: number
  /** Megabytes of the heap of old objects. */
  readonly heap: number
  readonly soakSeconds: number
  readonly perSecond: number
  /** Compares memory, which tells something only of a run long enough. */
  readonly compare: boolean
  /** The programs that are watched. */
  readonly loader?: string | undefined
  readonly soaker?: string | undefined
  /** Runs a part that needs the machine for itself. */
  readonly alone: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

const Percent = Schema.Struct({ rss: Schema.Number, heapUsed: Schema.Number })
const Counts = Schema.Struct({ written: Schema.Int, rejected: Schema.Int, unknown: Schema.Int })
const Told = Schema.Union([Percent, Schema.Struct({ counts: Counts })])

const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? 0
}

const megabytes = (bytes: number): number => Math.round(bytes / 100_000) / 10

/** How much more the second is, in percent. */
const growth = (first: number, second: number): number => Math.round((second / first - 1) * 1_000) / 10

/** By how much memory may differ, in percent. */
const allowed = 10

export const run = Effect.fnUntraced(function* (options: Options) {
  const findings = new Findings()
  yield* Effect.all([soak(options, findings), options.alone(Effect.scoped(load(options, findings)))], {
    concurrency: 2,
    discard: true
  })
  return findings
})

const load = Effect.fnUntraced(function* (options: Options, findings: Findings) {
  const { dimension, heap, loader: program = "memoryLoader.ts", records, seed } = options
  const drain = yield* Child.start({ program: "drain.ts", argument: {} })
  const { host } = yield* drain.next(Schema.Struct({ host: Schema.String }))
  const loader = yield* Child.start({
    program,
    argument: { host, seed, records, dimension },
    nodeOptions: [`--max-old-space-size=${heap}`]
  })
  const rss: Array<number> = []
  for (;;) {
    const told = yield* loader.next(Told)
    if ("counts" in told) {
      const { rejected, unknown, written } = told.counts
      findings.expect(
        written === records,
        "lost",
        `${written} of ${records} vectors were written, ${rejected} rejected, ${unknown} unknown`
      )
      break
    }
    rss.push(told.rss)
  }
  const taken = yield* Effect.promise(async () =>
    Schema.decodeUnknownPromise(Schema.Struct({ records: Schema.Int, bytes: Schema.Int }))(
      await (await fetch(`${host}/count`)).json()
    )
  )
  findings.expect(taken.records >= records, "lost", `the server took ${taken.records} of ${records} vectors`)
  const fifth = median(rss.slice(17, 22))
  const end = median(rss.slice(-5))
  const grown = growth(fifth, end)
  if (options.compare) {
    findings.expect(
      Math.abs(grown) <= allowed || end < fifth,
      "wrong",
      `resident memory is ${megabytes(end)} MB at the end and was ${megabytes(fifth)} MB at one fifth`
    )
  }
  findings.records(records)
  findings.measured({
    vectors: records,
    gigabytesSent: Math.round(taken.bytes / 1e7) / 100,
    heapLimitMB: heap,
    rssAtOneFifthMB: megabytes(fifth),
    rssAtTheEndMB: megabytes(end),
    rssGrowthPercent: grown
  })
})

const Held = Schema.Struct({
  listeners: Schema.Int,
  resources: Schema.Array(Schema.String),
  fibers: Schema.Int,
  sockets: Schema.Int
})
const Second = Schema.Struct({ heapUsed: Schema.Number, rss: Schema.Number, sockets: Schema.Int })
const SoakTold = Schema.Union([
  Second,
  Schema.Struct({
    done: Schema.Struct({ upserted: Schema.Int, queried: Schema.Int, ingested: Schema.Int, read: Schema.Int }),
    before: Held,
    after: Held,
    warnings: Schema.Array(Schema.String)
  })
])

const soak = Effect.fnUntraced(function* (options: Options, findings: Findings) {
  const { perSecond, seed, soaker: program = "soak.ts", soakSeconds } = options
  const pinecone = yield* Emulator.start()
  const tecton = yield* Child.start({ program: "tectonEmulator.ts", argument: { apiKey: secrets.tectonKey } })
  const { url } = yield* tecton.next(Schema.Struct({ url: Schema.String }))
  const child = yield* Child.start({
    program,
    argument: { seed, seconds: soakSeconds, perSecond, pinecone: pinecone.host, tecton: url },
    nodeOptions: ["--expose-gc"]
  })
  const seconds: Array<typeof Second.Type> = []
  for (;;) {
    const told = yield* child.next(SoakTold)
    if (!("done" in told)) {
      seconds.push(told)
      continue
    }
    const { after, before, done, warnings } = told
    const each = Math.round(soakSeconds * 10) * (perSecond / 10)
    for (const [what, count] of Object.entries(done)) {
      findings.expect(count === each, "lost", `the soak ${what} ${count} of ${each}`)
      findings.records(count)
    }
    findings.expect(after.fibers === 0, "unexplained", `${after.fibers} fibers are left after the scope was closed`)
    findings.expect(
      after.listeners <= before.listeners,
      "unexplained",
      `${after.listeners - before.listeners} listeners are left after the scope was closed`
    )
    const left = after.resources.filter((name) => !before.resources.includes(name))
    findings.expect(left.length === 0, "unexplained", `still active after the scope was closed: ${left.join(", ")}`)
    findings.expect(warnings.length === 0, "unexplained", `Node warned: ${warnings.join("; ")}`)
    break
  }
  const { code, said } = yield* child.exited
  findings.expect(code === 0, "unexplained", `the soak ended with ${code}: ${said}`)
  const fifth = Math.max(1, Math.floor(seconds.length / 5))
  const parts = (of: (second: typeof Second.Type) => number) => {
    const values = seconds.map(of)
    return [median(values.slice(fifth, 2 * fifth)), median(values.slice(-fifth))] as const
  }
  const [heapEarly, heapLate] = parts(({ heapUsed }) => heapUsed)
  const [socketsEarly, socketsLate] = parts(({ sockets }) => sockets)
  if (options.compare) {
    findings.expect(
      growth(heapEarly, heapLate) <= allowed,
      "wrong",
      `the soak's objects took ${megabytes(heapEarly)} MB after one fifth and ${megabytes(heapLate)} MB at the end`
    )
    findings.expect(socketsLate <= socketsEarly + 2, "wrong", `sockets went from ${socketsEarly} to ${socketsLate}`)
  }
  findings.measured({
    soakSeconds,
    soakPerSecond: perSecond * 4,
    soakHeapAfterOneFifthMB: megabytes(heapEarly),
    soakHeapAtTheEndMB: megabytes(heapLate),
    soakSockets: socketsLate
  })
})
