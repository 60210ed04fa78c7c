/** What a runner refuses before it opens anything. */
import { JobRunner } from "@effect-connectors/cluster"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Net from "node:net"
import * as path from "node:path"
import { vi } from "vitest"
import { inDirectory } from "./support/jobs.ts"

const refusal = <A, E>(layer: Layer.Layer<A, E>) => Effect.flip(Effect.scoped(Layer.build(layer)))

describe("JobRunner", () => {
  it.effect("refuses options that make no sense, and has opened nothing", () =>
    inDirectory((directory) =>
      Effect.gen(function* () {
        const file = path.join(directory, "jobs.db")
        const embedded = (options: object) => refusal(JobRunner.layerEmbedded({ file, ...options }))
        const issues = yield* Effect.forEach(
          [
            { concurrency: 0 },
            { failover: "nonsense" },
            { failover: "-5 seconds" },
            { failover: "0 seconds" },
            { failover: "1999 millis" },
            { failover: Infinity },
            { port: -1 },
            { port: 0 },
            { port: 70_000 }
          ],
          embedded
        )
        assert.deepStrictEqual(
          issues.map(({ message }) => message),
          [
            "option concurrency is 0; it must be a whole number of 1 or more",
            'option failover is "nonsense"; it must be a time of zero or more, like "500 millis"',
            'option failover is "-5 seconds"; it must be a time of zero or more, like "500 millis"',
            "option failover is 0 ms; it must be 2 seconds or more, and end",
            "option failover is 1999 ms; it must be 2 seconds or more, and end",
            "option failover is Infinity ms; it must be 2 seconds or more, and end",
            "option port is -1; it must be a whole number from 1 to 65535",
            "option port is 0; it must be a whole number from 1 to 65535",
            "option port is 70000; it must be a whole number from 1 to 65535"
          ]
        )
        assert.isFalse(yield* (yield* FileSystem.FileSystem).exists(file))
      })
    )
  )

  it.effect("refuses fewer connections to a database than the engine needs", () =>
    Effect.gen(function* () {
      const postgres = (maxConnections: number) =>
        refusal(
          JobRunner.layerPostgres({
            url: Redacted.make("postgres://nobody@127.0.0.1:1/none"),
            host: "a",
            maxConnections
          })
        )
      assert.strictEqual((yield* postgres(0))._tag, "InvalidOption")
      assert.strictEqual((yield* postgres(2)).message, "option maxConnections is 2; it must be 3 or more")
      // It gets as far as to the database, and there is none.
      assert.strictEqual((yield* postgres(3))._tag, "StorageFailed")
    })
  )

  it.effect("says so when no port is free", () =>
    Effect.gen(function* () {
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          vi.spyOn(Net.Server.prototype, "listen").mockImplementation(function (this: Net.Server) {
            this.emit("error", new Error("too many open files"))
            return this
          })
        ),
        (spy) => Effect.sync(() => spy.mockRestore())
      )
      const error = yield* refusal(JobRunner.layerEmbedded({ file: ":memory:" }))
      assert.strictEqual(error.message, "option port is not given, and none is free: too many open files")
    })
  )
})
