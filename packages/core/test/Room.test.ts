import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Room from "../src/internal/room.ts"
import { settle } from "./support/time.ts"

describe("room", () => {
  const waiting = (room: Room.Room, n: number) =>
    Effect.gen(function* () {
      const state = { isIn: false }
      const fiber = yield* Effect.forkChild(
        Effect.andThen(
          room.enter(n),
          Effect.sync(() => {
            state.isIn = true
          })
        )
      )
      yield* settle
      return { state, fiber }
    })

  it.effect("is taken at once while there is enough", () =>
    Effect.gen(function* () {
      const room = Room.make(3)
      yield* room.enter(1)
      yield* room.enter(2)
      const { fiber, state } = yield* waiting(room, 1)
      assert.isFalse(state.isIn)
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("lets in who waits when enough have left, before who left goes on", () =>
    Effect.gen(function* () {
      const room = Room.make(3)
      yield* room.enter(3)
      const { state } = yield* waiting(room, 2)
      yield* room.leave(1)
      assert.isFalse(state.isIn)
      yield* room.leave(1)
      assert.isTrue(state.isIn)
      const next = yield* waiting(room, 1)
      assert.isFalse(next.state.isIn)
      yield* room.leave(1)
      assert.isTrue(next.state.isIn)
    })
  )

  it.effect("is not taken by who gave up waiting", () =>
    Effect.gen(function* () {
      const room = Room.make(1)
      yield* room.enter(1)
      const { fiber } = yield* waiting(room, 1)
      yield* Fiber.interrupt(fiber)
      yield* room.leave(1)
      yield* room.enter(1)
    })
  )
})
