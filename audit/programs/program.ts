/** What the programs of the audit share: an argument as JSON, answers as lines of JSON, and an end with the audit's. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

/** Tells the audit something. */
export const tell = (message: unknown): Effect.Effect<void> =>
  Effect.callback((resume) => {
    process.stdout.write(`${JSON.stringify(message)}\n`, () => resume(Effect.void))
  })

/** Runs a program with its argument. */
export const run = <A, E>(
  argument: Schema.Codec<A, unknown>,
  program: (argument: A) => Effect.Effect<unknown, E, Scope.Scope>
): void => {
  process.stdin.resume().once("end", () => process.exit(3))
  process.stdin.once("error", () => process.exit(3))
  Schema.decodeUnknownEffect(Schema.fromJsonString(argument))(process.argv[2]).pipe(
    Effect.flatMap(program),
    Effect.scoped,
    Effect.andThen(Effect.sync(() => process.stdin.destroy())),
    Effect.tapCause((cause) => Effect.logError(cause)),
    // Standard output is for what is told.
    Effect.provideService(Logger.LogToStderr, true),
    NodeRuntime.runMain({ disableErrorReporting: true })
  )
}
