/** Times in definitions. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const isInput = (u: unknown): u is Duration.Input =>
  typeof u === "string" || typeof u === "number" || typeof u === "bigint" || Duration.isDuration(u)

const isTime = (u: unknown): u is Duration.Input => {
  const duration = isInput(u) ? Option.getOrUndefined(Duration.fromInput(u)) : undefined
  return duration !== undefined && Duration.isFinite(duration) && Duration.toNanosUnsafe(duration) > 0n
}

export const Time: Schema.Codec<Duration.Input> = Schema.declare(isTime, {
  expected: `a time above zero, like "30 days" or a number of milliseconds`
})
