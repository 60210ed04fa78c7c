/**
 * Hostile records, options, replies, files and requests: each ends soon, in a value, an outcome or a typed error. They
 * are given to the code in a process of its own, which is watched for crashes and hangs.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Findings, type Settings } from "../report.ts"
import * as Child from "../support/child.ts"
import { Witness } from "../support/witness.ts"

export interface Options extends Settings {
  readonly inputs: number
  /** The program that gives them to the code. */
  readonly program?: string | undefined
  /**
   * Time for a hundred inputs.
   *
   * @default 60
   */
  readonly hangSeconds?: number | undefined
}

const Leak = Schema.Struct({ secret: Schema.String, kind: Schema.String, where: Schema.String })

const Told = Schema.Union([
  Schema.Struct({ doing: Schema.String, from: Schema.Int }),
  Schema.Struct({ problem: Schema.String }),
  Schema.Struct({ done: Schema.String, inputs: Schema.Int }),
  Schema.Struct({ leaks: Schema.Array(Leak), texts: Schema.Int })
])

export const run = Effect.fnUntraced(function* (options: Options) {
  const { hangSeconds = 60, inputs, program = "badInput.ts", seed } = options
  const findings = new Findings()
  const { see } = yield* Witness
  const child = yield* Child.start({ program, argument: { seed, count: inputs } })
  let doing = "the start"
  for (;;) {
    const next = yield* child.next(Told).pipe(Effect.timeoutOption(hangSeconds * 1_000), Effect.result)
    if (next._tag === "Failure") {
      findings.add("unexplained", `it crashed at ${doing}: ${next.failure.message}`)
      break
    }
    if (Option.isNone(next.success)) {
      findings.add("unexplained", `it hangs at ${doing}`)
      break
    }
    const told = next.success.value
    if ("doing" in told) doing = `${told.doing}, from input ${told.from}`
    if ("problem" in told) {
      see("error", "bad input", told.problem)
      findings.add("unexplained", told.problem)
    }
    if ("done" in told) {
      findings.records(told.inputs)
      findings.measured({ [told.done]: told.inputs })
    }
    if ("leaks" in told) {
      for (const { kind, secret, where } of told.leaks) {
        findings.add("unexplained", `${secret} is in a text of the kind ${kind}: ${where}`)
      }
      findings.measured({ textsSearched: told.texts })
      break
    }
  }
  return findings
})
