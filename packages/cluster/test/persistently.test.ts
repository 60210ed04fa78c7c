import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { persistently, untilAnswered } from "../src/internal/persistently.ts"
import { StorageFailed } from "../src/JobError.ts"
import { passing } from "./support/passing.ts"

describe("a storage that fails", () => {
  it.effect("is asked until it answers, and says so at once and each half a minute", () =>
    Effect.gen(function* () {
      const warnings: Array<string> = []
      const logger = Logger.make(({ message }) => void warnings.push(String(message)))
      const away = { still: true }
      const asked = persistently(
        Effect.suspend(() => (away.still ? Effect.fail(new StorageFailed({ detail: "away" })) : Effect.succeed("here")))
      )
      const back = Effect.andThen(
        Effect.sleep("65 seconds"),
        Effect.sync(() => {
          away.still = false
        })
      )
      const [answer] = yield* passing(Effect.all([asked, back], { concurrency: "unbounded" })).pipe(
        Effect.provide(Logger.layer([logger]))
      )
      assert.strictEqual(answer, "here")
      assert.deepStrictEqual(
        warnings,
        Array.from(
          { length: 3 },
          () => "A partition waits for its storage, which is asked again: its storage failed: away"
        )
      )
    })
  )

  it.effect("is not asked again for what it can not keep", () =>
    Effect.gen(function* () {
      const refused = new StorageFailed({ detail: "too long", refused: true })
      assert.strictEqual(yield* Effect.flip(untilAnswered(Effect.fail(refused))), refused)
    })
  )
})
