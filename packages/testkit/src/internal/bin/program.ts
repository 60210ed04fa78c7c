/** What the programs of this package share: they run until SIGTERM or SIGINT, and tell failures in a line. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Runtime from "effect/Runtime"

/** The flag `--port`. */
export const portFlag = (otherwise: number) =>
  Flag.Int("port").pipe(
    Flag.withDescription("The port on 127.0.0.1; 0 picks a free one"),
    Flag.filter(
      (port) => port >= 0 && port <= 65_535,
      () => "0 to 65535"
    ),
    Flag.withDefault(otherwise)
  )

/** Every failure is told in a line, without a stack. */
export const userError = (cause: unknown) => new CliError.UserError({ cause })

/** Being told to stop is no failure. */
const teardown: Runtime.Teardown = (exit, onExit) =>
  onExit(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1)

export const run = <Name extends string, Input, E>(
  command: Command.Command<Name, Input, {}, E, NodeServices.NodeServices>
): void =>
  Command.run(command, { version: "0.0.0" }).pipe(
    Effect.provide(NodeServices.layer),
    NodeRuntime.runMain({ teardown, disableErrorReporting: true })
  )
