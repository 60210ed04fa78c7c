import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import * as Retry from "@effect-connectors/core/Retry"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { garbled, rateLimited, refused, TestError, unauthorized, unavailable } from "./support/TestError.ts"
import { inTime } from "./support/time.ts"

/** Random numbers that are always `value`; one of 0.5 leaves delays as they are. */
const dice = (value: number) =>
  Effect.provideService(Random.Random, { nextDoubleUnsafe: () => value, nextIntUnsafe: () => 0 })

/** Runs a call that always fails, and gives the times of its attempts and the time it was given up. */
const attemptsOf = (policy: Retry.Policy, fail: (attempt: number) => TestError = unavailable) =>
  Effect.gen(function* () {
    const times: Array<number> = []
    const call = Effect.flatMap(Clock.currentTimeMillis, (now) => {
      times.push(now)
      return Effect.fail(fail(times.length))
    })
    const [error, gaveUp] = yield* inTime(
      Effect.zip(Effect.flip(Retry.retry(call, policy)), Clock.currentTimeMillis),
      "10 minutes"
    )
    return { times, error, gaveUp }
  })

const delaysOf = (times: ReadonlyArray<number>) => times.slice(1).map((time, i) => time - times[i]!)

describe("retry", () => {
  it.effect("does not touch a call that succeeds", () =>
    Effect.gen(function* () {
      let calls = 0
      assert.strictEqual(yield* Retry.retry(Effect.sync(() => ++calls)), 1)
      assert.strictEqual(calls, 1)
    })
  )

  it.effect("waits 200 ms, then twice as long each time, for 8 attempts in all", () =>
    Effect.gen(function* () {
      const { times, gaveUp } = yield* attemptsOf({})
      assert.deepStrictEqual(times, [0, 200, 600, 1400, 3000, 6200, 12_600, 25_400])
      assert.strictEqual(gaveUp, 25_400)
    }).pipe(dice(0.5))
  )

  it.effect("stops doubling at the cap", () =>
    Effect.gen(function* () {
      const { times } = yield* attemptsOf({ base: "1 second", cap: "3 seconds", maxAttempts: 6 })
      assert.deepStrictEqual(delaysOf(times), [1000, 2000, 3000, 3000, 3000])
    }).pipe(dice(0.5))
  )

  it.effect("ends with the first success", () =>
    Effect.gen(function* () {
      let calls = 0
      const call = Effect.suspend(() => (++calls < 3 ? Effect.fail(rateLimited()) : Effect.succeed("ok")))
      assert.strictEqual(yield* inTime(Retry.retry(call)), "ok")
      assert.strictEqual(calls, 3)
    })
  )

  it.effect("ends with the last error", () =>
    Effect.gen(function* () {
      const { error } = yield* attemptsOf(
        { maxAttempts: 3 },
        (attempt) => new TestError({ reason: new ConnectorError.Unavailable({ detail: `attempt ${attempt}` }) })
      )
      assert.strictEqual(error.message, "test store: the store is not available: attempt 3")
    })
  )

  it.effect.prop(
    "makes at most maxAttempts attempts, with delays within 20 % of the doubled base",
    {
      maxAttempts: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })),
      base: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5000 })),
      seed: Schema.Int
    },
    ({ maxAttempts, base, seed }) =>
      Effect.gen(function* () {
        const cap = 4000
        const { times } = yield* attemptsOf({ maxAttempts, base, cap, deadline: "1 day" }).pipe(Random.withSeed(seed))
        assert.strictEqual(times.length, Math.max(1, maxAttempts))
        delaysOf(times).forEach((delay, i) => {
          const plain = Math.min(base * 2 ** i, cap)
          assert.isAtLeast(delay, plain * 0.8 - 1e-6)
          assert.isAtMost(delay, plain * 1.2 + 1e-6)
        })
      })
  )

  it.effect("spreads delays from 20 % below to 20 % above", () =>
    Effect.gen(function* () {
      const policy = { base: "1 second", maxAttempts: 2 } as const
      assert.deepStrictEqual((yield* attemptsOf(policy).pipe(dice(0))).times, [0, 800])
      yield* TestClock.setTime(0)
      assert.deepStrictEqual((yield* attemptsOf(policy).pipe(dice(1))).times, [0, 1200])
    })
  )

  it.effect.each([refused(), garbled(), unauthorized()])("tries only once when it fails with %s", (error) =>
    Effect.gen(function* () {
      const seen = yield* attemptsOf({}, () => error)
      assert.deepStrictEqual(seen.times, [0])
      assert.strictEqual(seen.gaveUp, 0)
      assert.strictEqual(seen.error, error)
    })
  )

  it.effect("stops when a later failure is one that time can not cure", () =>
    Effect.gen(function* () {
      const { times, error } = yield* attemptsOf({}, (attempt) => (attempt < 3 ? unavailable() : refused()))
      assert.strictEqual(times.length, 3)
      assert.strictEqual(error.reason._tag, "RequestRefused")
    })
  )

  it.effect("does not retry a defect", () =>
    Effect.gen(function* () {
      let calls = 0
      const call: Effect.Effect<never, TestError> = Effect.suspend(() => {
        calls++
        return Effect.die("broken")
      })
      const exit = yield* Effect.exit(Retry.retry(call))
      assert.strictEqual(exit._tag, "Failure")
      assert.strictEqual(calls, 1)
    })
  )

  it.effect("stops waiting when it is interrupted", () =>
    Effect.gen(function* () {
      let calls = 0
      const call = Effect.suspend(() => {
        calls++
        return Effect.fail(unavailable())
      })
      const fiber = yield* Effect.forkChild(Retry.retry(call, { base: "1 second" }))
      yield* TestClock.adjust("1 milli")
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(calls, 1)
    })
  )

  describe("with a Retry-After", () => {
    it.effect("waits as long as the store asked, when that is longer", () =>
      Effect.gen(function* () {
        const { times } = yield* attemptsOf({ maxAttempts: 3 }, () => rateLimited(7000))
        assert.deepStrictEqual(times, [0, 7000, 14_000])
      })
    )

    it.effect("may wait longer than the cap", () =>
      Effect.gen(function* () {
        const { times } = yield* attemptsOf({ maxAttempts: 2, cap: "1 second" }, () => rateLimited(30_000))
        assert.deepStrictEqual(times, [0, 30_000])
      })
    )

    it.effect("keeps its own delay when that is longer", () =>
      Effect.gen(function* () {
        const { times } = yield* attemptsOf({ base: "1 second", maxAttempts: 4 }, () => rateLimited(1500))
        assert.deepStrictEqual(delaysOf(times), [1500, 2000, 4000])
      }).pipe(dice(0.5))
    )

    it.effect("is obeyed for the failure that carried it only", () =>
      Effect.gen(function* () {
        const { times } = yield* attemptsOf({ base: "1 second", maxAttempts: 4 }, (attempt) =>
          attempt === 2 ? rateLimited(60_000) : unavailable()
        )
        assert.deepStrictEqual(delaysOf(times), [1000, 60_000, 4000])
      }).pipe(dice(0.5))
    )

    it.effect.prop(
      "is never undercut by jitter",
      {
        retryAfter: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5000 })),
        seed: Schema.Int
      },
      ({ retryAfter, seed }) =>
        Effect.gen(function* () {
          const { times } = yield* attemptsOf({ base: "1 second", maxAttempts: 5 }, () => rateLimited(retryAfter)).pipe(
            Random.withSeed(seed)
          )
          for (const delay of delaysOf(times)) assert.isAtLeast(delay, retryAfter)
        })
    )
  })

  describe("with a deadline", () => {
    it.effect("starts no attempt after it and does not wait in vain", () =>
      Effect.gen(function* () {
        const { times, gaveUp } = yield* attemptsOf({ base: "1 second", deadline: "10 seconds" })
        // The next one would start at 15 s.
        assert.deepStrictEqual(times, [0, 1000, 3000, 7000])
        assert.strictEqual(gaveUp, 7000)
      }).pipe(dice(0.5))
    )

    it.effect("allows an attempt that starts exactly at it", () =>
      Effect.gen(function* () {
        const { times } = yield* attemptsOf({ base: "1 second", deadline: "7 seconds" })
        assert.deepStrictEqual(times, [0, 1000, 3000, 7000])
      }).pipe(dice(0.5))
    )

    it.effect("gives up at once when the store asks for a longer wait", () =>
      Effect.gen(function* () {
        const { times, gaveUp, error } = yield* attemptsOf({ deadline: "1 minute" }, () => rateLimited(60_001))
        assert.deepStrictEqual(times, [0])
        assert.strictEqual(gaveUp, 0)
        assert.strictEqual(error.reason._tag, "RateLimited")
      })
    )

    it.effect("is 2 minutes from the first attempt, slow attempts included", () =>
      Effect.gen(function* () {
        let calls = 0
        const slow = Effect.suspend(() => {
          calls++
          return Effect.andThen(Effect.sleep("50 seconds"), Effect.fail(unavailable()))
        })
        yield* TestClock.setTime(1_000_000)
        yield* Effect.flip(inTime(Retry.retry(slow, { base: "1 second" })))
        assert.strictEqual(calls, 3)
      }).pipe(dice(0.5))
    )

    it.effect("counts anew for each run of the same effect", () =>
      Effect.gen(function* () {
        let calls = 0
        const call = Retry.retry(
          Effect.suspend(() => {
            calls++
            return Effect.fail(unavailable())
          }),
          { base: "1 second", deadline: "1 second" }
        )
        yield* Effect.flip(inTime(call))
        yield* Effect.flip(inTime(call))
        assert.strictEqual(calls, 4)
      }).pipe(dice(0.5))
    )
  })
})

describe("parseRetryAfter", () => {
  const now = Date.UTC(1994, 10, 6, 8, 49, 37)
  const table: ReadonlyArray<readonly [header: string | null | undefined, millis: number | undefined]> = [
    ["0", 0],
    ["7", 7000],
    ["120", 120_000],
    ["1.5", 1500],
    ["  30\t", 30_000],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 0],
    ["Sun, 06 Nov 1994 08:50:07 GMT", 30_000],
    [" Sun, 06 Nov 1994 08:50:07 GMT ", 30_000],
    ["Sun, 06 Nov 1994 07:00:00 GMT", 0],
    // The two older forms that HTTP still allows; the second is in UTC too.
    ["Sunday, 06-Nov-94 08:50:07 GMT", 30_000],
    ["Sun Nov  6 08:50:07 1994", 30_000],
    [null, undefined],
    [undefined, undefined],
    ["", undefined],
    ["   ", undefined],
    ["-5", undefined],
    ["+5", undefined],
    ["1e3", undefined],
    ["0x10", undefined],
    ["5 seconds", undefined],
    [".5", undefined],
    ["NaN", undefined],
    ["Infinity", undefined],
    ["soon", undefined],
    ["try again in 10", undefined],
    ["Sun 5", undefined],
    ["Sun, 99 Nov 1994 08:49:37 GMT", undefined],
    ["1994-11-06T08:50:07Z", undefined]
  ]

  it.each(table)("reads %j as %j", (header, millis) => {
    assert.strictEqual(Retry.parseRetryAfter(header, now), millis)
  })

  it("takes a number too large to count with for junk", () => {
    assert.isUndefined(Retry.parseRetryAfter("9".repeat(400), now))
  })

  it("reads a date without a zone as UTC, wherever it runs", () => {
    vi.stubEnv("TZ", "Asia/Tokyo")
    try {
      assert.strictEqual(new Date(now).getTimezoneOffset(), -540)
      assert.strictEqual(Retry.parseRetryAfter("Sun Nov  6 08:50:07 1994", now), 30_000)
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it.prop(
    "gives back any whole number of seconds",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e9 }))],
    ([seconds]) => {
      assert.strictEqual(Retry.parseRetryAfter(String(seconds), now), seconds * 1000)
      assert.strictEqual(Retry.parseRetryAfter(new Date(now + seconds * 1000).toUTCString(), now), seconds * 1000)
    }
  )

  it.prop("never gives a wait that is negative or not finite", [Schema.String], ([header]) => {
    const millis = Retry.parseRetryAfter(header, now)
    assert.isTrue(millis === undefined || (Number.isFinite(millis) && millis >= 0))
  })
})
