/** Reads the `requestOptions` of a read. What is not known is ignored, as are the options of the serving cache. */
import * as Timestamp from "@effect-connectors/tecton/Timestamp"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { bad, type Refusal } from "./refusal.ts"
import type { When } from "./storedView.ts"

export interface RequestOptions {
  readonly coerceNullCountsToZero: boolean
  readonly ignoreExtraContext: boolean
  readonly edge: When["edge"]
  readonly latencyBudgetMillis: number | undefined
}

type Read<A> = Result.Result<A, Refusal>

const wrong = (name: string, type: string) => Result.fail(bad(`The request option ${name} has to be ${type}`))

const absent = (value: unknown): boolean => value === undefined || value === null

export const readBoolean = (name: string, value: unknown): Read<boolean> =>
  typeof value === "boolean" ? Result.succeed(value) : absent(value) ? Result.succeed(false) : wrong(name, "a boolean")

const readBudget = (value: unknown): Read<number | undefined> => {
  if (absent(value)) return Result.succeed(undefined)
  // The documentation's sample has it as text.
  const millis = typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value)) ? Number(value) : NaN
  return Number.isInteger(millis) && millis > 0
    ? Result.succeed(millis)
    : wrong("latencyBudgetMs", "a number of milliseconds")
}

/** The names of the values are documented; that a prefix may stand before them is a guess. */
const readEdge = (edge: unknown, override: unknown): Read<When["edge"]> => {
  if (!absent(override)) {
    const time = typeof override === "string" ? Timestamp.parse(override) : Option.none()
    return Option.match(time, {
      onNone: () => wrong("highWatermarkOverride", "a timestamp"),
      onSome: ({ epochNanoseconds }) => Result.succeed(epochNanoseconds)
    })
  }
  if (absent(edge)) return Result.succeed("clock")
  const name = typeof edge === "string" ? edge : ""
  if (name.endsWith("WALL_CLOCK_TIME")) return Result.succeed("clock")
  return name.endsWith("LATEST_EVENT_TIME")
    ? Result.succeed("newest event")
    : wrong("aggregationLeadingEdge", "WALL_CLOCK_TIME or LATEST_EVENT_TIME")
}

/** `options` by their names in camel case. */
export const read = (options: ReadonlyMap<string, unknown>): Read<RequestOptions> =>
  Result.gen(function* () {
    const flag = (name: string) => readBoolean(name, options.get(name))
    return {
      coerceNullCountsToZero: yield* flag("coerceNullCountsToZero"),
      ignoreExtraContext: yield* flag("ignoreExtraRequestContextFields"),
      edge: yield* readEdge(options.get("aggregationLeadingEdge"), options.get("highWatermarkOverride")),
      latencyBudgetMillis: yield* readBudget(options.get("latencyBudgetMs"))
    }
  })
