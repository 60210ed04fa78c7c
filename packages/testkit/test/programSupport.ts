/** Starts the programs of this package as their users do. */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as readline from "node:readline"

const programs = path.join(import.meta.dirname, "../src/internal/bin")

/** A program that runs until the scope ends. */
export const started = (program: string, ...args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const file = path.join(programs, program)
      const child = spawn(process.execPath, ["--conditions=@effect-connectors/source", file, ...args])
      let stderr = ""
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
      const exit = once(child, "exit")
      return {
        firstLine: Effect.promise(async () => {
          const [line] = await once(readline.createInterface(child.stdout), "line")
          return String(line)
        }),
        stderr: () => stderr,
        /** The exit code after a signal, or on its own. */
        end: (signal?: NodeJS.Signals) =>
          Effect.promise(async () => {
            if (signal !== undefined) child.kill(signal)
            const [code] = await exit
            return code
          }),
        kill: () => child.kill("SIGKILL")
      }
    }),
    ({ kill }) => Effect.sync(kill)
  )

export const temporary = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "emulator-"))),
  (directory) => Effect.sync(() => fs.rmSync(directory, { recursive: true }))
)

/** The address in the first line. */
export const urlOf = (line: string): string => JSON.parse(line).url
