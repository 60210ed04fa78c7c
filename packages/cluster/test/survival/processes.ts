/** Processes of the tests. None outlives its test. */
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn, type SpawnOptions, type StdioOptions } from "node:child_process"
import { once } from "node:events"
import * as path from "node:path"
import type { Settings } from "./job.ts"

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

const silent: StdioOptions = ["ignore", "ignore", "inherit"]

/** A process of this scope; its errors are shown. */
export const start = (command: string, args: ReadonlyArray<string>, options: SpawnOptions = {}) =>
  Effect.acquireRelease(
    Effect.sync(() => spawn(command, args, { stdio: silent, ...options })),
    (child) => end(child, "SIGKILL")
  )

/** Node compiles the same modules for each process, half of what a start costs, unless it may keep them. */
const compiled = path.join(import.meta.dirname, "../../../../.cache/compiled")

/** Runs a program of this directory with Node. */
export const program = (file: string, argument: string, stdio: StdioOptions = silent) =>
  start(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      "--conditions=@effect-connectors/source",
      path.join(import.meta.dirname, file),
      argument
    ],
    { stdio, env: { ...process.env, NODE_COMPILE_CACHE: compiled } }
  )

export const runner = (settings: typeof Settings.Type) => program("runner.ts", JSON.stringify(settings))
