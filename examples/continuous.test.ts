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
})

describe("runMain", () => {
  it("asks to end at the first signal, takes its echo for the same, and interrupts at a later one", async (test) => {
    const { child, exit, lines } = run(
      test,
      "--input-type=module-typescript",
      "--eval",
      `
        import * as Console from "effect/Console"
        import * as Effect from "effect/Effect"
        import { runMain } from ${JSON.stringify(path.join(import.meta.dirname, "continuous/signals.ts"))}

        runMain((signalled) =>
          Console.error("running").pipe(
            Effect.andThen(signalled),
            Effect.andThen(Console.error("finishing")),
            Effect.andThen(Effect.never),
            Effect.onInterrupt(() => Console.error("cancelled"))
          )
        )
      `
    )
    await lines(/^running$/)
    child.kill("SIGINT")
    child.kill("SIGTERM")
    await lines(/^finishing$/)
    let later = 0
    const again = setInterval(() => {
      later++
      child.kill("SIGTERM")
    }, 50)
    test.onTestFinished(() => clearInterval(again))
    await lines(/^cancelled$/)
    assert.isAbove(later, 0)
    assert.deepStrictEqual(await exit, [130, null])
  })
})
