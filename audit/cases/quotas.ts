/**
 * Eight loaders share the documented quota of a namespace: they use it and are hardly ever refused. When the service is
 * down for a while they wait, lose nothing, and are soon as fast as before.
 */
import * as FaultPlan from "@effect-connectors/testkit/FaultPlan"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Findings, type Settings } from "../report.ts"
import * as Child from "../support/child.ts"
import * as Emulator from "../support/emulator.ts"

export interface Options extends Settings {
  readonly warmUpSeconds: number
  readonly seconds: number
  readonly outageSeconds: number
  /** Holds the rates to what they should be; a test that runs beside others can not. */
  readonly judgeSpeed: boolean
}

const loaders = 8
/**
 * Of one namespace in a second, as documented. "50 MB" are used as 50,000,000 bytes, and the emulator refuses what is over
 * the larger reading, 52,428,800.
 */
const quota = { calls: 100, bytes: 50_000_000 }
const leastUsed = 0.95
const mostRefused = 0.01
const recoverWithin = 10

/** Counts the calls and strikes none. */
const calls: FaultPlan.Rule = {
  name: "calls",
  operations: ["upsert"],
  when: FaultPlan.probability(0),
  fault: FaultPlan.status(500)
}
const counting = FaultPlan.make([calls])
const outage = FaultPlan.make([
  calls,
  { name: "outage", operations: ["upsert"], when: FaultPlan.always, fault: FaultPlan.status(503) }
])

interface Sample {
  readonly at: number
  readonly accepted: number
  readonly refused: number
}

const sum = (counters: Readonly<Record<string, number>>): number =>
  Object.values(counters).reduce((total, count) => total + count, 0)

export const run = Effect.fnUntraced(function* (options: Options) {
  const findings = new Findings()
  const emulator = yield* Emulator.start({ quotas: true })
  yield* Effect.scoped(requests(options, emulator, findings))
  yield* Effect.scoped(bytes(options, emulator, findings))
  return findings
})

const sample = (emulator: Emulator.Emulator): Effect.Effect<Sample> =>
  Effect.gen(function* () {
    const { matched, overQuota } = yield* emulator.state
    const refused = sum(overQuota)
    return { at: yield* Clock.currentTimeMillis, accepted: (matched["calls"] ?? 0) - refused, refused }
  })

/** What happened in a time. */
const during = Effect.fnUntraced(function* (emulator: Emulator.Emulator, seconds: number) {
  const before = yield* sample(emulator)
  yield* Effect.sleep(seconds * 1_000)
  const after = yield* sample(emulator)
  const accepted = after.accepted - before.accepted
  const refused = after.refused - before.refused
  return {
    perSecond: (accepted * 1_000) / (after.at - before.at),
    refusedShare: refused / Math.max(1, accepted + refused)
  }
})

/** Measurements of one kind, at most: other programs of the machine may take the time that a loader needed. */
const tries = 3

/** Measures until enough was used, and tells the best; refused calls count in each. */
const used = Effect.fnUntraced(function* (
  { judgeSpeed, seconds }: Options,
  emulator: Emulator.Emulator,
  shareOf: (callsPerSecond: number) => number
) {
  let best = 0
  let refused = 0
  let windows = 0
  do {
    const { perSecond, refusedShare } = yield* during(emulator, seconds)
    best = Math.max(best, shareOf(perSecond))
    refused = Math.max(refused, refusedShare)
    windows++
  } while (judgeSpeed && best < leastUsed && windows < tries)
  return { best, refused, windows }
})

const Counts = Schema.Struct({ written: Schema.Int, rejected: Schema.Int, unknown: Schema.Int })

const loading = Effect.fnUntraced(function* (
  emulator: Emulator.Emulator,
  what: { readonly namespace: string; readonly maxRecords: number; readonly text: number }
) {
  const child = yield* Child.start({
    program: "quotaLoader.ts",
    argument: { host: emulator.host, loaders, ...what }
  })
  const { bytesPerCall } = yield* child.next(Schema.Struct({ bytesPerCall: Schema.Int }))
  return {
    bytesPerCall,
    /** Ends the loaders; every record must have been written. */
    end: Effect.fnUntraced(function* (findings: Findings) {
      child.say("enough")
      const { rejected, unknown, written } = yield* child.next(Counts)
      findings.records(written + rejected + unknown)
      findings.expect(
        rejected + unknown === 0,
        "unexplained",
        `${rejected} records were rejected and ${unknown} unknown of ${written}`
      )
    })
  }
})

const percent = (share: number): number => Math.round(share * 1_000) / 10

const requests = Effect.fnUntraced(function* (options: Options, emulator: Emulator.Emulator, findings: Findings) {
  const { judgeSpeed, outageSeconds, warmUpSeconds } = options
  yield* emulator.plan(counting)
  const loader = yield* loading(emulator, { namespace: "requests", maxRecords: 10, text: 10 })
  yield* Effect.sleep(warmUpSeconds * 1_000)
  const { best, refused, windows } = yield* used(options, emulator, (perSecond) => perSecond / quota.calls)
  if (judgeSpeed) {
    findings.expect(best >= leastUsed, "wrong", `${percent(best)} % of the requests were used`)
    findings.expect(refused < mostRefused, "wrong", `${percent(refused)} % of the calls were refused`)
  }

  yield* emulator.plan(outage)
  yield* Effect.sleep(outageSeconds * 1_000)
  const down = yield* emulator.state
  yield* emulator.plan(counting)
  // A machine that is busy may never be that fast; that calls come again shows on any.
  const full = yield* backAt(emulator, 3 * recoverWithin, judgeSpeed ? leastUsed * quota.calls : 1)
  if (judgeSpeed) {
    findings.expect(
      full !== undefined && full <= recoverWithin,
      "wrong",
      `full speed came ${full === undefined ? "never" : `${full} s`} after the outage`
    )
  }
  findings.expect(full !== undefined, "unexplained", "no calls came any more after the outage")
  yield* loader.end(findings)
  findings.faults({ outage: down.fired["outage"] ?? 0 })
  findings.everyFaultFired()
  findings.measured({
    loaders,
    requestsUsedPercent: percent(best),
    requestsRefusedPercent: percent(refused),
    requestWindows: windows,
    outageSeconds,
    callsDuringTheOutage: down.fired["outage"] ?? 0,
    fullSpeedAfterSeconds: full ?? "never"
  })
})

/** Seconds until there are so many calls in one second. */
const backAt = Effect.fnUntraced(function* (emulator: Emulator.Emulator, within: number, wanted: number) {
  const start = yield* Clock.currentTimeMillis
  const samples: Array<Sample> = []
  for (;;) {
    const now = yield* sample(emulator)
    samples.push(now)
    const before = samples.findLast(({ at }) => at <= now.at - 1_000)
    if (before !== undefined) {
      const perSecond = ((now.accepted - before.accepted) * 1_000) / (now.at - before.at)
      if (perSecond >= wanted) return Math.round((before.at - start) / 100) / 10
    }
    if (now.at - start > within * 1_000) return undefined
    yield* Effect.sleep("100 millis")
  }
})

const bytes = Effect.fnUntraced(function* (options: Options, emulator: Emulator.Emulator, findings: Findings) {
  const { judgeSpeed, warmUpSeconds } = options
  yield* emulator.plan(counting)
  const loader = yield* loading(emulator, { namespace: "bytes", maxRecords: 260, text: 6_500 })
  yield* Effect.sleep(warmUpSeconds * 1_000)
  const { bytesPerCall } = loader
  const { best, refused, windows } = yield* used(
    options,
    emulator,
    (perSecond) => (perSecond * bytesPerCall) / quota.bytes
  )
  if (judgeSpeed) {
    findings.expect(best >= leastUsed, "wrong", `${percent(best)} % of the bytes were used`)
    findings.expect(refused < mostRefused, "wrong", `${percent(refused)} % of the large calls were refused`)
  }
  yield* loader.end(findings)
  findings.measured({
    bytesPerCall,
    bytesUsedPercent: percent(best),
    bytesRefusedPercent: percent(refused),
    byteWindows: windows
  })
})
