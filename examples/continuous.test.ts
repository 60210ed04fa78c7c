import { PineconeIndex } from "@effect-connectors/pinecone"
import { PineconeMemory } from "@effect-connectors/testkit"
import { assert, describe, it, type TestContext } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as path from "node:path"
import * as readline from "node:readline"
import type { Readable } from "node:stream"
import { text } from "node:stream/consumers"
import { program } from "./continuous.ts"

/** An index that answers after ten seconds. */
const slow = Layer.effect(
  PineconeIndex,
  Effect.map(PineconeIndex, (index) =>
    PineconeIndex.of({ ...index, upsert: (request) => Effect.delay(index.upsert(request), "10 seconds") })
  )
).pipe(Layer.provide(PineconeMemory.layer))

const run = ({ onTestFinished }: TestContext, ...args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, ["--conditions=@effect-connectors/source", ...args])
  onTestFinished(() => {
    child.kill("SIGKILL")
  })
  const exit: Promise<ReadonlyArray<unknown>> = once(child, "exit")
  return { child, exit, lines: lines(child.stderr), stdout: text(child.stdout) }
}

/** Tells the first line from here on that `pattern` fits. */
const lines = (stream: Readable) => {
  const iterator = readline.createInterface(stream)[Symbol.asyncIterator]()
  return async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const { done, value } = await iterator.next()
      if (done === true) throw new Error(`no line like ${pattern}`)
      if (pattern.test(value)) return value
    }
  }
}

describe("continuous", () => {
  it.effect("answers for all it took in when the source ends in the middle of a batch", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(program(70, Effect.sleep("2350 millis")))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Fiber.join(fiber), { taken: 161, written: 161, rejected: 0, unknown: 0 })

      const index = yield* PineconeIndex
      const { records } = yield* index.fetch({ ids: ["machine-60", "machine-61"] })
      assert.deepStrictEqual(
        Array.from(records.values(), ({ metadata }) => metadata),
        [{ reading: 160 }, { reading: 61 }]
      )
    }).pipe(Effect.provide(slow))
  )

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`writes what it took in and ends with 0 at ${signal}`, async (test) => {
      const { child, exit, lines, stdout } = run(test, path.join(import.meta.dirname, "continuous.ts"), "--json")
      await lines(/^[1-9]\d* written/)
      child.kill(signal)
      assert.deepStrictEqual(await exit, [0, null])
      const { taken, ...counts }: { readonly taken: number } = JSON.parse(await stdout)
      assert.isAbove(taken, 0)
      assert.deepStrictEqual(counts, { written: taken, rejected: 0, unknown: 0 })
    })
  }

  it("stops by itself with --for", async (test) => {
    const file = path.join(import.meta.dirname, "continuous.ts")
    const { exit, stdout } = run(test, file, "--for", "550 millis", "--rate", "100")
    assert.deepStrictEqual(await exit, [0, null])
    assert.match(await stdout, /^(\d+) taken: \1 written, 0 rejected, 0 unknown\n$/)
  })

  it("is cancelled after the limit when the index never answers", async (test) => {
    const { child, exit, lines } = run(
      test,
      "--input-type=module-typescript",
      "--eval",
      `
        import { Drain } from "@effect-connectors/core"
        import { PineconeIndex } from "@effect-connectors/pinecone"
        import { PineconeMemory } from "@effect-connectors/testkit"
        import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
        import * as Console from "effect/Console"
        import * as Effect from "effect/Effect"
        import * as Layer from "effect/Layer"
        import * as Logger from "effect/Logger"
        import { program } from ${JSON.stringify(path.join(import.meta.dirname, "continuous.ts"))}

        const mute = Layer.effect(PineconeIndex, Effect.map(PineconeIndex, (index) => ({
          ...index,
          upsert: () => Console.error("asked").pipe(
            Effect.andThen(Effect.never),
            Effect.onInterrupt(() => Console.error("call cancelled"))
          )
        }))).pipe(Layer.provide(PineconeMemory.layer))

        Drain.graceful((ended) => program(100, ended), { limit: "300 millis" }).pipe(
          Effect.provide(mute),
          Effect.provideService(Logger.LogToStderr, true),
          NodeRuntime.runMain({ teardown: Drain.teardown })
        )
      `
    )
    await lines(/^asked$/)
    child.kill("SIGTERM")
    await lines(/Draining: asked to end, waiting at most 300ms/)
    child.kill("SIGTERM")
    await lines(/Not drained within 300ms: cancelling/)
    await lines(/^call cancelled$/)
    assert.deepStrictEqual(await exit, [1, null])
  })
})
