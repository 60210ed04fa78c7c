/**
 * Runs a program again and again, killing it at chosen moments, until it ends by itself: `kill -9` at a random point of
 * a call, whose answer may be on its way.
 */
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { Findings } from "../report.ts"
import { below, oneOf } from "./chance.ts"
import * as Child from "./child.ts"
import * as Tap from "./tap.ts"

export interface Options {
  readonly seed: number
  /** How often it is killed. */
  readonly kills: number
  /** The most calls a run makes before it is killed. */
  readonly callsPerRun: number
  /** The emulator's address of the index. */
  readonly host: string
  /** The calls that are counted; the others pass. */
  readonly counts: (call: Tap.Call) => boolean
  /** Sees every counted call when it arrives. */
  readonly arrived: (run: number, call: Tap.Call) => void
  /** The program to run, given the address to use. */
  readonly program: (host: string) => Omit<Child.Options, "nodeOptions">
  /** Called after each run. */
  readonly after: (run: number) => Effect.Effect<void>
  readonly findings: Findings
}

const moments = ["arrived", "answered", "passedOn", "soonAfter"] as const

/** How often a program may be started beyond the kills; it needs one more. */
const spare = 3

/** Gives what the last run told, and how often the program was killed. */
export const run = <A>(told: Schema.Codec<A, unknown>, options: Options) =>
  Effect.gen(function* () {
    const { findings, kills, seed } = options
    let current = 0
    let kill: ((moment: (typeof moments)[number]) => void) | undefined
    const tap = yield* Tap.start(options.host, {
      arrived: (call) => {
        if (!options.counts(call)) return
        options.arrived(current, call)
        kill?.("arrived")
      },
      answered: (call) => {
        if (options.counts(call)) kill?.("answered")
      },
      passedOn: (call) => {
        if (options.counts(call)) kill?.("passedOn")
      }
    })
    let killed = 0
    for (current = 0; current < kills + spare; current++) {
      const exit = yield* Effect.scoped(
        Effect.gen(function* () {
          const child = yield* Child.start(options.program(tap.host))
          const moment = oneOf(moments, seed, current, 1)
          let left = 1 + below(options.callsPerRun, seed, current, 2)
          kill =
            killed >= kills
              ? undefined
              : (now) => {
                  if (now !== (moment === "soonAfter" ? "passedOn" : moment) || --left !== 0) return
                  if (moment === "soonAfter") setTimeout(() => child.kill("SIGKILL"), below(8, seed, current, 3))
                  else child.kill("SIGKILL")
                }
          const result = yield* Effect.option(child.next(told))
          const exited = yield* child.exited
          return { ...exited, result }
        })
      )
      kill = undefined
      yield* options.after(current)
      if (exit.signal === "SIGKILL") {
        killed++
        continue
      }
      findings.expect(
        exit.code === 0,
        "unexplained",
        `${options.program("").program} ended with ${exit.code}: ${exit.said}`
      )
      findings.expect(
        killed === kills,
        "unexplained",
        `it ended by itself after ${killed} of ${kills} kills: the work is too small`
      )
      return { killed, runs: current + 1, result: exit.result }
    }
    findings.add("unexplained", `it did not end within ${kills + spare} runs`)
    return { killed, runs: current, result: undefined }
  })
