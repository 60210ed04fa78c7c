/** Processes of the tests. None outlives its test. */
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn, type SpawnOptions, type StdioOptions } from "node:child_process"
import { once } from "node:events"

/** Waits for the end. */
export const ended = (child: ChildProcess) =>
  Effect.promise(async () => {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
  })

/** Sends a signal and waits for the end. */
export const end = (child: ChildProcess, signal: NodeJS.Signals) =>
  Effect.andThen(
    Effect.sync(() => child.kill(signal)),
    ended(child)
  )

export const silent: StdioOptions = ["ignore", "ignore", "inherit"]

/** A process of this scope; its errors are shown. */
export const start = (command: string, args: ReadonlyArray<string>, options: SpawnOptions = {}) =>
  Effect.acquireRelease(
    Effect.sync(() => spawn(command, args, { stdio: silent, ...options })),
    (child) => end(child, "SIGKILL")
  )
