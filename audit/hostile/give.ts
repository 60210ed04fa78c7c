/** Gives hostile inputs to the code and judges what it makes of them. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { inspect } from "node:util"
import { tell } from "../programs/program.ts"
import { Witness } from "../support/witness.ts"
import type { Group } from "./group.ts"

export const Argument = Schema.Struct({ seed: Schema.Int, count: Schema.Int })

/** Time that one try may take. */
const limit = 10_000

/** A try that takes longer than that is told. */
const slow = 3_000

/** What every object has from the start. */
const untouched = Object.getOwnPropertyNames(Object.prototype).length

const tagOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : `no tag: ${String(error)}`

/** What was wrong with a try, if anything was. */
const judge = (
  { errors }: Group,
  exit: Exit.Exit<Option.Option<unknown>, unknown>,
  millis: number
): string | undefined => {
  if (Object.getOwnPropertyNames(Object.prototype).length !== untouched)
    return "the prototype of all objects was changed"
  if (millis > slow) return `it took ${millis} ms`
  if (Exit.isSuccess(exit)) return Option.isNone(exit.value) ? `it did not end within ${limit} ms` : undefined
  const { cause } = exit
  if (cause.reasons.some((reason) => !Cause.isFailReason(reason)))
    return `a defect: ${Cause.pretty(cause).slice(0, 600)}`
  const error = Cause.squash(cause)
  if (!errors.includes(tagOf(error)))
    return `an error of another kind: ${tagOf(error)}: ${JSON.stringify(error).slice(0, 400)}`
  // Effect's ConfigError says it in its cause.
  const said = error instanceof Config.ConfigError ? error.cause.message : error instanceof Error ? error.message : ""
  if (said === "") return `an error without a message: ${inspect(error).slice(0, 300)}`
  return said.length > 4_000 ? `a message of ${said.length} characters: ${said.slice(0, 200)}` : undefined
}

/**
 * Gives each group its share of `count` inputs. Tells what it is about to do, what was wrong, and at the end where it saw a
 * secret.
 */
export const give = (groups: ReadonlyArray<Group>, { count, seed }: typeof Argument.Type) =>
  Effect.gen(function* () {
    const witness = yield* Witness
    for (const group of groups) {
      const inputs = Math.ceil((count * group.share) / 100 / group.size) * group.size
      yield* Effect.scoped(
        Effect.gen(function* () {
          const next = yield* group.make(seed)
          for (let n = 0; n < inputs; n += group.size) {
            if (n % 100 === 0) yield* tell({ doing: group.name, from: n })
            const start = yield* Clock.currentTimeMillis
            const exit = yield* Effect.exit(Effect.timeoutOption(next(n), limit))
            const problem = judge(group, exit, (yield* Clock.currentTimeMillis) - start)
            if (problem !== undefined) yield* tell({ problem: `${group.name}, input ${n}: ${problem}` })
            if (Exit.isFailure(exit)) yield* witness.seeAll(group.name, Cause.squash(exit.cause))
          }
          yield* tell({ done: group.name, inputs })
        })
      )
    }
    yield* tell({ leaks: witness.leaks, texts: Object.values(witness.seen).reduce((sum, count) => sum + count, 0) })
  }).pipe(Effect.provide(Witness.recorded))
