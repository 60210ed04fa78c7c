/** The programs of these tests, which run as processes of their own. */
import type { StdioOptions } from "node:child_process"
import * as path from "node:path"
import { silent, start } from "../support/processes.ts"
import type { Settings } from "./job.ts"

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
