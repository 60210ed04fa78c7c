/** Runners that are killed, stopped and paused while they share a PostgreSQL database. */
import { JobClient } from "@effect-connectors/cluster"
import { describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Postgres from "./postgres.ts"
import { type Storage, suite } from "./survive.ts"

const open = (bin: string) =>
  Effect.gen(function* () {
    const server = yield* Postgres.make(bin)
    const url = server.url("postgres")
    const forTenSeconds = <R>(begin: Effect.Effect<Effect.Effect<void, never, R>, never, R>) =>
      Effect.map(begin, (end) => Effect.andThen(Effect.sleep("10 seconds"), end))
    const storage: Storage = {
      settings: Effect.map(Postgres.freePort, (port) => ({ _tag: "Postgres", url, port })),
      client: JobClient.layerPostgres({ url: Redacted.make(url) }),
      outages: {
        "the server is stopped": forTenSeconds(server.stop),
        "the server hangs": forTenSeconds(server.hang)
      }
    }
    return storage
  })

if (Postgres.installed === undefined) console.warn("PostgreSQL is not installed: jobs are not tested on it.")

describe.skipIf(Postgres.installed === undefined)("a job on PostgreSQL survives", () =>
  suite(open(Postgres.installed ?? ""), ["the server is stopped", "the server hangs"])
)
