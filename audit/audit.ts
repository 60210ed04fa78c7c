/** Runs cases and makes their report. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Semaphore from "effect/Semaphore"
import { type Alone, type Case, cases } from "./cases.ts"
import { type CaseReport, Findings, type Form, type Report } from "./report.ts"
import { Witness } from "./support/witness.ts"

export interface Options {
  readonly form: Form
  readonly seed: number
  /** Names of cases. Default: all of them. */
  readonly only?: ReadonlyArray<string> | undefined
  /** Told when a case begins and ends. */
  readonly progress?: ((line: string) => Effect.Effect<void>) | undefined
}

/** One case; whatever happens in it becomes a part of its report. */
const reported = (of: Case, options: Options, alone: Alone): Effect.Effect<CaseReport, never, Witness> =>
  Effect.gen(function* () {
    const { form, progress = () => Effect.void, seed } = options
    yield* progress(`${of.name} begins`)
    const start = yield* Clock.currentTimeMillis
    const findings = yield* of.run(form, seed, alone).pipe(
      Effect.scoped,
      Effect.catchCause((cause) =>
        Effect.gen(function* () {
          const failed = new Findings()
          failed.add("unexplained", `the case itself failed: ${Cause.pretty(cause)}`)
          yield* Effect.flatMap(Witness, ({ see }) => Effect.sync(() => see("error", of.name, Cause.pretty(cause))))
          return failed
        })
      )
    )
    const report = findings.report(of.name, ((yield* Clock.currentTimeMillis) - start) / 1_000)
    yield* progress(`${of.name} ${report.ok ? "is ok" : "FAILED"} after ${report.seconds} s`)
    for (const problem of report.problems) yield* progress(`  ${problem}`)
    return report
  })

/**
 * Runs the cases one after the other, the last when all others have ended; those that arrange themselves run beside.
 */
export const run = (options: Options): Effect.Effect<Report> =>
  Effect.gen(function* () {
    const { form, only = [], seed } = options
    const chosen = cases.filter(({ name }) => only.length === 0 || only.includes(name))
    const machine = Semaphore.makeUnsafe(1)
    const alone: Alone = (effect) => machine.withPermits(1)(effect)
    const beside = yield* Effect.forEach(
      chosen.filter((one) => one.beside === true),
      (one) => Effect.forkChild(reported(one, options, alone))
    )
    const others = chosen.filter((one) => one.beside !== true)
    const last = others.filter(({ name }) => name === "secrets")
    const reports = yield* Effect.forEach(
      others.filter(({ name }) => name !== "secrets"),
      (one) => alone(reported(one, options, (effect) => effect))
    )
    for (const fiber of beside) reports.push(yield* Fiber.join(fiber))
    for (const one of last) reports.push(yield* reported(one, options, alone))
    const order = cases.map(({ name }) => name)
    return { seed, form, cases: reports.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name)) }
  }).pipe(Effect.provide(Witness.recorded))
