/** Runners that are killed, stopped and paused while they share a file. */
import { JobClient } from "@effect-connectors/cluster"
import { describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { once } from "node:events"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as Processes from "./processes.ts"
import { type Storage, suite } from "./survive.ts"

const open = Effect.gen(function* () {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "survival-"))),
    (directory) => Effect.sync(() => fs.rmSync(directory, { recursive: true }))
  )
  const file = path.join(directory, "jobs.db")
  const storage: Storage = {
    settings: Effect.succeed({ _tag: "Embedded", file }),
    client: JobClient.layerEmbedded({ file }),
    outages: {
      "another process has the file": Effect.gen(function* () {
        const locker = yield* Processes.program("locker.ts", file, ["ignore", "pipe", "inherit"])
        const gone = once(locker, "exit")
        yield* Effect.promise(() => once(locker.stdout!, "data"))
        return Effect.asVoid(Effect.promise(() => gone))
      })
    }
  }
  return storage
})

describe("a job on a shared file survives", () => suite(open, ["another process has the file"]))
