/** Runners that are killed, stopped and paused, and storages that are away, with real processes. */
import { JobClient } from "@effect-connectors/cluster"
import { afterAll, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { once } from "node:events"
import * as fs from "node:fs"
import { createServer } from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import * as Postgres from "../support/postgres.ts"
import * as Programs from "./programs.ts"
import { type Storage, suite } from "./survive.ts"

const embedded = Effect.gen(function* () {
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
        const locker = yield* Programs.program("locker.ts", file, ["ignore", "pipe", "inherit"])
        const gone = once(locker, "exit")
        yield* Effect.promise(() => once(locker.stdout!, "data"))
        return Effect.asVoid(Effect.promise(() => gone))
      })
    }
  }
  return storage
})

/** A port where nothing listens, of those that the system gives to nobody by itself. */
const ports = { next: 21_000 }
const freePort = Effect.callback<number>((resume) => {
  const look = (): void => {
    const port = ports.next++
    const server = createServer()
    server.once("error", look)
    server.listen(port, "127.0.0.1", () => server.close(() => resume(Effect.succeed(port))))
  }
  look()
})

const postgres = (bin: string, data: Effect.Effect<string>) =>
  Effect.gen(function* () {
    const server = yield* Postgres.make(bin, yield* data)
    const { url } = server
    const forTenSeconds = <R>(begin: Effect.Effect<Effect.Effect<void, never, R>, never, R>) =>
      Effect.map(begin, (end) => Effect.andThen(Effect.sleep("10 seconds"), end))
    const storage: Storage = {
      settings: Effect.map(freePort, (port) => ({ _tag: "Postgres", url, port })),
      client: JobClient.layerPostgres({ url: Redacted.make(url) }),
      outages: {
        "the server is stopped": forTenSeconds(server.stop),
        "the server hangs": forTenSeconds(server.hang)
      }
    }
    return storage
  })

describe("a job on a shared file survives", { concurrent: true }, () => {
  suite(embedded, ["another process has the file"])
})

const bin = Postgres.installed
if (bin === undefined) console.warn("PostgreSQL is not installed: jobs are not tested on it.")

describe("a job on PostgreSQL survives", { concurrent: true, skip: bin === undefined }, () => {
  const scope = Scope.makeUnsafe()
  const data = Effect.runSync(Effect.cached(Scope.provide(Postgres.initialize(bin ?? ""), scope)))
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  suite(
    postgres(bin ?? "", data),
    Postgres.canHang ? ["the server is stopped", "the server hangs"] : ["the server is stopped"]
  )
})
