import { type CircuitOpen, QuotaExhausted, Unavailable } from "@effect-connectors/core/ConnectorError"
import * as Outcome from "@effect-connectors/core/Outcome"
import * as Pacing from "@effect-connectors/core/Pacing"
import * as Scan from "@effect-connectors/core/Scan"
import * as Lookup from "@effect-connectors/core/Lookup"
import * as Write from "@effect-connectors/core/Write"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { observed, valuesOf } from "./support/observe.ts"
import { rateLimited, refused, TestError, timedOut, unavailable } from "./support/TestError.ts"
import { inTime, settle } from "./support/time.ts"

const gaveUp = (reason: CircuitOpen) => new TestError({ reason })
const call = (key = "a", bytes = 0, records = 1): Pacing.Call => ({ operation: "put", key, bytes, records })

/** Calls that a test answers by hand. */
const wire = (pacing: Pacing.Pacing) => {
  const open: Array<Deferred.Deferred<void, TestError>> = []
  return {
    open,
    send: (key = "a") =>
      Effect.forkChild(
        pacing.paced(
          call(key),
          Effect.suspend(() => {
            const answer = Deferred.makeUnsafe<void, TestError>()
            open.push(answer)
            return Deferred.await(answer)
          }),
          { gaveUp }
        ),
        { startImmediately: true }
      ),
    answer: (n: number, error?: TestError) =>
      Effect.andThen(
        Effect.forEach(open.splice(0, n), (answer) =>
          error === undefined ? Deferred.succeed(answer, undefined) : Deferred.fail(answer, error)
        ),
        settle
      )
  }
}

/** How many of a hundred calls of a key are in flight at once. */
const room = (pacing: Pacing.Pacing, key = "a") =>
  Effect.gen(function* () {
    const { open, send } = wire(pacing)
    const fibers = yield* Effect.forEach(Array.from({ length: 100 }), () => send(key))
    yield* settle
    const inFlight = open.length
    yield* Fiber.interruptAll(fibers)
    return inFlight
  })

const unbroken = { system: "test", breaker: false } as const

describe("adaptive concurrency", () => {
  it.effect("halves once for all the calls of one generation, and once for those sent since", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ ...unbroken, maxConcurrency: 16 })
      const { answer, open, send } = wire(pacing)
      yield* Effect.forEach(Array.from({ length: 40 }), () => send())
      yield* settle
      assert.strictEqual(open.length, 16)
      yield* answer(1, rateLimited())
      yield* answer(7, rateLimited())
      // 8 of the first generation are left, and fill the half.
      assert.strictEqual(open.length, 8)
      yield* answer(8, rateLimited())
      assert.strictEqual(open.length, 8)
      yield* answer(1, rateLimited())
      yield* answer(7, rateLimited())
      assert.strictEqual(open.length, 4)
    })
  )

  it.effect("halves what is in flight when that is less than the limit", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ ...unbroken, maxConcurrency: 64 })
      const { answer, send } = wire(pacing)
      yield* Effect.forEach(Array.from({ length: 6 }), () => send())
      yield* answer(6, rateLimited())
      assert.strictEqual(yield* room(pacing), 3)
    })
  )

  it.effect(
    "never goes below one, and grows by one after as many successes as the limit is, up to where it began",
    () =>
      Effect.gen(function* () {
        const pacing = yield* Pacing.make({ ...unbroken, maxConcurrency: 4 })
        const { answer, send } = wire(pacing)
        for (let i = 0; i < 5; i++) {
          yield* send()
          yield* answer(1, rateLimited())
        }
        assert.strictEqual(yield* room(pacing), 1)
        const limits: Array<number> = []
        for (let i = 0; i < 10; i++) {
          yield* send()
          yield* answer(1)
          limits.push(yield* room(pacing))
        }
        assert.deepStrictEqual(limits, [2, 2, 3, 3, 3, 4, 4, 4, 4, 4])
      })
  )

  it.effect("takes a refusal, a lost answer or an error of the store for no reason to slow down", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ ...unbroken, maxConcurrency: 8 })
      const { answer, send } = wire(pacing)
      for (const error of [
        refused(),
        unavailable(),
        new TestError({ reason: new QuotaExhausted({ detail: "month" }) })
      ]) {
        const fiber = yield* send()
        yield* answer(1, error)
        assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.fail(error))
      }
      assert.strictEqual(yield* room(pacing), 8)
    })
  )

  it.effect("is told by a gauge, as the lowest limit of all keys", () =>
    Effect.gen(function* () {
      const { metrics } = yield* observed(
        Effect.gen(function* () {
          const pacing = yield* Pacing.make({ ...unbroken, maxConcurrency: 16 })
          for (const [key, calls] of [
            ["a", 12],
            ["b", 6]
          ] as const) {
            const { answer, send } = wire(pacing)
            yield* Effect.forEach(Array.from({ length: calls }), () => send(key))
            yield* answer(calls, rateLimited())
          }
        })
      )
      assert.deepStrictEqual(valuesOf(metrics, []), { "connector.concurrency.limit": 3 })
    })
  )

  it.effect("gives its room back whenever a call is interrupted", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({
        system: "test",
        maxConcurrency: 3,
        rates: { put: { requestsPerSecond: 10 } }
      })
      for (let round = 0; round < 20; round++) {
        const { send } = wire(pacing)
        const fibers = yield* Effect.forEach(Array.from({ length: 8 }), () => send())
        yield* TestClock.adjust(`${round * 37} millis`)
        yield* Fiber.interruptAll(fibers)
      }
      yield* TestClock.adjust("1 minute")
      const { open, send } = wire(pacing)
      yield* Effect.forEach(Array.from({ length: 8 }), () => send())
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(open.length, 3)
    })
  )

  it.effect("forgets keys that are not in use", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ ...unbroken, maxConcurrency: 4 })
      for (let n = 0; n < 3000; n++) {
        const throttled = n === 2999 || n % 2 === 0
        const attempt = throttled ? Effect.fail(rateLimited()) : Effect.void
        yield* Effect.exit(pacing.paced(call(`k${n}`), attempt, { gaveUp }))
      }
      assert.strictEqual(yield* room(pacing, "k2999"), 1)
      assert.strictEqual(yield* room(pacing, "k0"), 4)
    })
  )
})

describe("a wait the store asks for", () => {
  it.effect("holds back all calls of its key, and no others", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make(unbroken)
      const a = wire(pacing)
      const b = wire(pacing)
      yield* a.send("a")
      yield* a.answer(1, rateLimited(7000))
      yield* a.send("a")
      yield* b.send("b")
      yield* TestClock.adjust(6999)
      assert.deepStrictEqual([a.open.length, b.open.length], [0, 1])
      yield* TestClock.adjust(1)
      assert.strictEqual(a.open.length, 1)
    })
  )
})

/** How many calls of `calls` were sent in each second. */
const perSecond = (pacing: Pacing.Pacing, calls: ReadonlyArray<Pacing.Call>, seconds: number) =>
  Effect.gen(function* () {
    const sent: Array<number> = []
    const start = yield* Clock.currentTimeMillis
    const fiber = yield* Effect.forkChild(
      Effect.forEach(
        calls,
        (call) =>
          pacing.paced(
            call,
            Effect.map(Clock.currentTimeMillis, (now) => void sent.push(Math.floor((now - start) / 1000))),
            { gaveUp }
          ),
        { concurrency: 50 }
      )
    )
    for (let i = 0; i < seconds * 100; i++) yield* TestClock.adjust(10)
    yield* Fiber.interrupt(fiber)
    return Array.from({ length: seconds }, (_, second) => sent.filter((at) => at === second).length)
  })

describe("a rate", () => {
  const many = (n: number, key = "a", bytes = 0, records = 1) =>
    Array.from({ length: n }, () => call(key, bytes, records))
  const paced = (rate: Pacing.Rate) => Pacing.make({ ...unbroken, rates: { put: rate }, utilization: 1 })

  it.effect("of requests is kept from the first second on", () =>
    Effect.gen(function* () {
      const [first, ...rest] = yield* perSecond(yield* paced({ requestsPerSecond: 100 }), many(1000), 5)
      assert.isAtLeast(first!, 95)
      assert.isAtMost(first!, 126)
      for (const n of rest) assert.isTrue(n >= 99 && n <= 101, `${n} in a second`)
    })
  )

  it.effect("of bytes is kept, by a call too that is larger than a bucket", () =>
    Effect.gen(function* () {
      const pacing = yield* paced({ bytesPerSecond: 50_000_000 })
      const [, ...rest] = yield* perSecond(pacing, many(400, "a", 2_000_000), 5)
      for (const n of rest) assert.isTrue(n >= 24 && n <= 26, `${n} in a second`)
      const large = yield* perSecond(yield* paced({ bytesPerSecond: 1_000_000 }), many(10, "a", 2_000_000), 8)
      assert.strictEqual(
        large.reduce((sum, n) => sum + n, 0),
        4
      )
    })
  )

  it.effect("of records is kept", () =>
    Effect.gen(function* () {
      const pacing = yield* paced({ requestsPerSecond: 100, recordsPerSecond: 5000 })
      const [, ...rest] = yield* perSecond(pacing, many(100, "a", 0, 1000), 5)
      for (const n of rest) assert.isTrue(n >= 4 && n <= 6, `${n} in a second`)
    })
  )

  it.effect("is for each key, or for all together", () =>
    Effect.gen(function* () {
      const both = many(100).flatMap((a) => [a, call("b")])
      const each = yield* perSecond(yield* paced({ requestsPerSecond: 10 }), both, 4)
      assert.isAtLeast(each[2]!, 19)
      const all = yield* perSecond(yield* paced({ requestsPerSecond: 10, per: "all" }), both, 4)
      assert.isAtMost(all[2]!, 11)
    })
  )

  it.effect("is kept however small it is, and whatever part of it is used", () =>
    Effect.gen(function* () {
      for (let rate = 0.05; rate < 6; rate += 0.35) {
        const pacing = yield* Pacing.make({
          ...unbroken,
          rates: { put: { requestsPerSecond: rate } },
          utilization: 0.98
        })
        const sent = yield* perSecond(pacing, many(200), 20)
        const total = sent.reduce((sum, n) => sum + n, 0)
        assert.isTrue(Math.abs(total - 20 * rate * 0.98) <= 2, `${total} in 20 seconds at ${rate}`)
      }
    })
  )

  it.effect("below one a second is kept", () =>
    Effect.gen(function* () {
      const sent = yield* perSecond(yield* paced({ requestsPerSecond: 0.5 }), many(10), 10)
      assert.isTrue([4, 5, 6].includes(sent.reduce((sum, n) => sum + n, 0)), String(sent))
    })
  )

  it.effect("is used to the part that is asked for", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({
        ...unbroken,
        rates: { put: { requestsPerSecond: 100 } },
        utilization: 0.5
      })
      const [, ...rest] = yield* perSecond(pacing, many(500), 4)
      for (const n of rest) assert.isTrue(n >= 49 && n <= 51, `${n} in a second`)
    })
  )

  it.effect("is shared by pacings on one store", () =>
    Effect.gen(function* () {
      const options = { ...unbroken, rates: { put: { requestsPerSecond: 100 } }, utilization: 1 }
      const shared = yield* Effect.all([Pacing.makeShared(options), Pacing.makeShared(options)])
      const other = yield* Pacing.makeShared({ ...options, prefix: "other" })
      const [one, two, three] = yield* Effect.all(
        [...shared, other].map((pacing) => perSecond(pacing, many(500), 4)),
        { concurrency: 3 }
      )
      // The clock is moved by all three at a time.
      const total = one!.reduce((sum, n) => sum + n, 0) + two!.reduce((sum, n) => sum + n, 0)
      const alone = three!.reduce((sum, n) => sum + n, 0)
      assert.isTrue(Math.abs(total - alone) <= 2, `${total} by two, ${alone} by one`)
    }).pipe(Effect.provide(RateLimiter.layerStoreMemory))
  )

  it.effect("whose store fails holds nobody up", () => {
    const broken = Effect.fail(
      new RateLimiter.RateLimiterError({ reason: new RateLimiter.RateLimitStoreError({ message: "gone" }) })
    )
    return Effect.gen(function* () {
      const pacing = yield* Pacing.makeShared({ ...unbroken, rates: { put: { requestsPerSecond: 1 } } })
      assert.strictEqual(yield* pacing.paced(call(), Effect.succeed(1), { gaveUp }), 1)
    }).pipe(
      Effect.provideService(RateLimiter.RateLimiterStore, {
        fixedWindow: () => broken,
        tokenBucket: () => broken,
        adaptiveConsume: () => broken,
        adaptiveFeedback: () => broken
      })
    )
  })
})

/** A service that is down until a time, and counts its calls. */
const service = (upAt: number) => {
  const calls: Array<number> = []
  const attempt = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    calls.push(now)
    return now < upAt ? Effect.fail(unavailable()) : Effect.succeed("ok")
  })
  return { attempt, calls }
}

const logged = () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
  return { lines, layer: Logger.layer([logger]) }
}

describe("the circuit breaker", () => {
  it.effect("holds calls back while the service is down, asks now and then, and lets all go when it is back", () => {
    const { layer, lines } = logged()
    return Effect.gen(function* () {
      const pacing = yield* Pacing.make({ system: "test", breaker: { failures: 3 } })
      const { attempt, calls } = service(30_000)
      const one = pacing.paced(call(), attempt, { gaveUp })
      for (let i = 0; i < 3; i++) assert.deepStrictEqual(yield* Effect.flip(one), unavailable())
      const waiting = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.forkChild(one))
      for (let i = 0; i < 340; i++) yield* TestClock.adjust(100)
      for (const exit of yield* Effect.forEach(waiting, Fiber.await)) assert.deepStrictEqual(exit, Exit.succeed("ok"))
      const probes = calls.filter((at) => at > 0 && at < 30_000)
      assert.isTrue(probes.length >= 6 && probes.length <= 9, String(probes))
      // The others go as soon as the one that asked was answered.
      const back = calls.filter((at) => at >= 30_000)
      assert.strictEqual(back.length, 20)
      assert.isAtMost(Math.max(...back) - Math.min(...back), 100)
      assert.isAtMost(Math.min(...back), 35_000)
      assert.strictEqual(lines.length, 2)
      assert.match(lines[0]!, /^Warn test does not answer \(3 calls failed in a row; the last: .*down/)
      assert.match(lines[1]!, /^Info test answers again/)
    }).pipe(Effect.provide(layer))
  })

  it.effect("fails what it held back for too long, and says so", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ system: "test", breaker: { failures: 2, giveUpAfter: "20 seconds" } })
      const { attempt } = service(Infinity)
      const one = pacing.paced(call(), attempt, { gaveUp })
      yield* Effect.exit(one)
      yield* Effect.exit(one)
      const error = yield* inTime(Effect.flip(one), "100 millis")
      assert.strictEqual(error.reason._tag, "CircuitOpen")
      assert.include(error.reason.message, "test has not answered for 20 s")
      assert.include(error.reason.message, "down")
      assert.isTrue(error.reason.isFatal)
    })
  )

  it.effect("lets a call whose time is up end with its own last failure", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ system: "test", breaker: { failures: 1 } })
      const { attempt } = service(Infinity)
      yield* Effect.exit(pacing.paced(call(), attempt, { gaveUp }))
      const failure = yield* inTime(
        Effect.flip(pacing.paced(call(), attempt, { gaveUp, until: () => 5000, outOfTime: () => unavailable() })),
        "100 millis"
      )
      assert.deepStrictEqual(failure, unavailable())
      assert.isAtMost(yield* Clock.currentTimeMillis, 5100)
    })
  )

  it.effect("does not take refusals and throttling for an outage", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ system: "test", breaker: { failures: 2 } })
      for (const error of [unavailable(), refused(), unavailable(), rateLimited(), unavailable()]) {
        assert.deepStrictEqual(yield* Effect.flip(pacing.paced(call(), Effect.fail(error), { gaveUp })), error)
      }
      assert.strictEqual(yield* pacing.paced(call(), Effect.succeed(1), { gaveUp }), 1)
    })
  )

  it.effect("is not left asking when the call that asks is interrupted", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ system: "test", breaker: { failures: 1 } })
      yield* Effect.exit(pacing.paced(call(), Effect.fail(unavailable()), { gaveUp }))
      const asking = yield* Effect.forkChild(pacing.paced(call(), Effect.never, { gaveUp }))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.interrupt(asking)
      const next = pacing.paced(call(), Effect.succeed("ok"), { gaveUp })
      assert.strictEqual(yield* inTime(next, "100 millis"), "ok")
    })
  )
})

describe("options", () => {
  it.effect.each<[string, Pacing.Options]>([
    ["pacing.utilization", { utilization: 0 }],
    ["pacing.utilization", { utilization: 98 }],
    ["pacing.utilization", { utilization: NaN }],
    ["pacing.rates.put.requestsPerSecond", { rates: { put: { requestsPerSecond: 0 } } }],
    ["pacing.rates.put.bytesPerSecond", { rates: { put: { bytesPerSecond: -1 } } }],
    ["pacing.rates.put.recordsPerSecond", { rates: { put: { recordsPerSecond: NaN } } }],
    ["pacing.maxConcurrency", { maxConcurrency: NaN }],
    ["pacing.maxConcurrency", { maxConcurrency: 0 }],
    ["pacing.burst", { burst: "-1 seconds" }],
    ["pacing.maxRetryAfter", { maxRetryAfter: JSON.parse('"soon"') }],
    ["pacing.breaker.failures", { breaker: { failures: 0 } }],
    ["pacing.breaker.giveUpAfter", { breaker: { giveUpAfter: JSON.parse('"3 secs"') } }],
    ["pacing", JSON.parse("true")]
  ])("that can not be are refused by name: %s", ([option, options]) =>
    Effect.gen(function* () {
      const refused = yield* Effect.flip(Pacing.resolve(options, {}))
      assert.strictEqual(refused.option, option)
    })
  )
})

describe("sends at once", () => {
  const asked = (pacing: Pacing.Pacing, key?: string) =>
    Effect.map(Clock.currentTimeMillis, (now) => pacing.sendsAtOnce?.(call(key), now))

  it.effect("while there is room, and not when it is taken", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ ...unbroken, maxConcurrency: 2 })
      const { answer, send } = wire(pacing)
      assert.isTrue(yield* asked(pacing))
      yield* send()
      assert.isTrue(yield* asked(pacing))
      yield* send()
      assert.isFalse(yield* asked(pacing))
      assert.isTrue(yield* asked(pacing, "b"))
      yield* answer(1)
      assert.isTrue(yield* asked(pacing))
    })
  )

  it.effect("not while the store asks to wait", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ ...unbroken, maxConcurrency: 8 })
      const { answer, send } = wire(pacing)
      yield* send()
      yield* answer(1, rateLimited(5000))
      assert.isFalse(yield* asked(pacing))
      yield* TestClock.adjust("5 seconds")
      assert.isTrue(yield* asked(pacing))
    })
  )

  it.effect("not while the service is down", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ system: "test", breaker: { failures: 2 } })
      const { answer, send } = wire(pacing)
      for (let i = 0; i < 2; i++) {
        assert.isTrue(yield* asked(pacing))
        yield* send()
        yield* answer(1, unavailable())
      }
      assert.isFalse(yield* asked(pacing))
    })
  )

  it.effect("never where a rate is kept, and always without pacing", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ ...unbroken, rates: { put: { requestsPerSecond: 1000 } } })
      assert.isFalse(yield* asked(pacing))
      assert.isTrue(yield* asked(Pacing.none))
    })
  )
})

describe("the engines", () => {
  const put = (pacing: Pacing.Pacing, send: (items: ReadonlyArray<string>) => Effect.Effect<void, TestError>) => {
    const destination: Write.Destination<string, string, TestError> = {
      target: { system: "test", operation: "put", collection: "words" },
      limits: { maxRecords: 10, maxBytes: 1000, envelopeBytes: () => 10 },
      paced: { pacing, gaveUp },
      prepare: Arr.map((input) => ({ _tag: "Ready", input, item: input, key: "k", id: input, bytes: 7 })),
      send: (_, items) => send(items),
      tooLarge: () => refused()
    }
    return destination
  }
  const ids = (n: number) => Array.from({ length: n }, (_, i) => `r${i}`)

  /** A pacing that only writes down what it is asked. */
  const spy = () => {
    const seen: Array<Pacing.Call> = []
    const pacing: Pacing.Pacing = {
      paced: (call, attempt) =>
        Effect.suspend(() => {
          seen.push(call)
          return attempt
        })
    }
    return { pacing, seen }
  }

  it.effect("pace each attempt, with what it holds", () =>
    Effect.gen(function* () {
      const { pacing, seen } = spy()
      let calls = 0
      yield* Stream.fromIterable(ids(2)).pipe(
        Write.outcomes(
          put(pacing, () => Effect.suspend(() => (++calls < 3 ? Effect.fail(unavailable()) : Effect.void)))
        ),
        Stream.runDrain,
        inTime
      )
      assert.deepStrictEqual(seen, Array(3).fill({ operation: "put", key: "k", bytes: 24, records: 2 }))

      const lookups = spy()
      const store: Lookup.Store<string, string, TestError> = {
        target: { system: "test", operation: "get", collection: "words" },
        maxKeys: 10,
        paced: { pacing: lookups.pacing, gaveUp },
        group: (key) => key.slice(0, 1),
        identity: (key) => key,
        late: timedOut,
        lookup: (keys) => Effect.succeed(keys.map((key) => Result.succeed(key)))
      }
      yield* Stream.make("a1", "a2", "b1").pipe(Lookup.rows(store, Result.succeed), Stream.runDrain, inTime)
      assert.deepStrictEqual(lookups.seen, [
        { operation: "get", key: "a", bytes: 0, records: 2 },
        { operation: "get", key: "b", bytes: 0, records: 1 }
      ])

      const pages = spy()
      yield* Stream.runDrain(
        Scan.scan(
          {
            target: { system: "test", operation: "list", collection: "words" },
            paced: { pacing: pages.pacing, gaveUp },
            page: (_: string, at: number = 0) => Effect.succeed({ items: [at], next: at < 2 ? at + 1 : undefined })
          },
          ["s"]
        )
      )
      assert.strictEqual(pages.seen.length, 3)
    })
  )

  it.effect("survive an outage longer than all attempts of a call would last", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ system: "test" })
      const { attempt, calls } = service(60_000)
      const counts = yield* Stream.fromIterable(ids(1000)).pipe(
        Write.outcomes(put(pacing, () => Effect.asVoid(attempt))),
        Stream.run(Outcome.count),
        (run) => inTime(run, "500 millis")
      )
      assert.deepStrictEqual(counts, { written: 1000, rejected: 0, unknown: 0 })
      assert.isAtMost(calls.length, 100 + 5 + 8 + 16)
      assert.isAtMost(yield* Clock.currentTimeMillis, 70_000)
    })
  )

  it.effect("survive an outage with one call at a time", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ system: "test" })
      const { attempt } = service(45_000)
      const counts = yield* Stream.fromIterable(ids(30)).pipe(
        Write.outcomes(
          put(pacing, () => Effect.asVoid(attempt)),
          { concurrency: 1 }
        ),
        Stream.run(Outcome.count),
        (run) => inTime(run, "500 millis")
      )
      assert.deepStrictEqual(counts, { written: 30, rejected: 0, unknown: 0 })
    })
  )

  it.effect("do not count the wait for a turn against the deadline of retries", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ ...unbroken, rates: { put: { requestsPerSecond: 0.1 } }, utilization: 1 })
      let failed = false
      // The last of ten calls, which has waited for 90 seconds.
      const send = ([id]: ReadonlyArray<string>) =>
        Effect.suspend(() => {
          const fails = id === "r90" && !failed
          failed ||= fails
          return fails ? Effect.fail(unavailable()) : Effect.void
        })
      const counts = yield* Stream.fromIterable(ids(100), { chunkSize: 10 }).pipe(
        Write.outcomes(put(pacing, send), { maxRecords: 10, concurrency: 10, retry: { deadline: "30 seconds" } }),
        Stream.run(Outcome.count),
        (run) => inTime(run, "500 millis")
      )
      assert.isTrue(failed)
      assert.deepStrictEqual(counts, { written: 100, rejected: 0, unknown: 0 })
    })
  )

  it.effect("keep the deadline of retries while the store asks to wait, and wait no longer than is allowed", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ ...unbroken, maxRetryAfter: "10 minutes" })
      const wait = new TestError({ reason: new Unavailable({ detail: "maintenance", retryAfterMillis: 86_400_000 }) })
      yield* Effect.exit(pacing.paced(call("k"), Effect.fail(wait), { gaveUp }))
      let calls = 0
      const counts = yield* Stream.make("a").pipe(
        Write.outcomes(
          put(pacing, () => Effect.suspend(() => (++calls === 1 ? Effect.fail(unavailable()) : Effect.void)))
        ),
        Stream.run(Outcome.count),
        (run) => inTime(run, "10 seconds")
      )
      assert.deepStrictEqual(counts, { written: 1, rejected: 0, unknown: 0 })
      const waited = yield* Clock.currentTimeMillis
      assert.isTrue(waited >= 600_000 && waited < 660_000, String(waited))

      // A throttling of another call comes between the first attempt and the second.
      const late = yield* Stream.make("a").pipe(
        Write.outcomes(
          put(pacing, () =>
            Effect.andThen(
              Effect.exit(pacing.paced(call("k"), Effect.fail(wait), { gaveUp })),
              Effect.fail(unavailable())
            )
          )
        ),
        Stream.run(Outcome.count),
        (run) => inTime(run, "10 seconds")
      )
      assert.deepStrictEqual(late, { written: 0, rejected: 0, unknown: 1 })
    })
  )

  it.effect("go on after an outage no faster than the rate", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({
        system: "test",
        rates: { put: { requestsPerSecond: 10 } },
        utilization: 1,
        breaker: { failures: 2 }
      })
      const { attempt, calls } = service(20_000)
      yield* Effect.forEach(Array.from({ length: 60 }), () => Effect.exit(pacing.paced(call(), attempt, { gaveUp })), {
        concurrency: 60
      }).pipe((run) => inTime(run, "100 millis"))
      const back = calls.filter((at) => at >= 20_000)
      for (const second of back.map((at) => Math.floor(at / 1000))) {
        assert.isAtMost(back.filter((at) => Math.floor(at / 1000) === second).length, 13)
      }
    })
  )

  it.effect("end with one outcome a record when a service stays down", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ system: "test" })
      const outcomes: Array<Outcome.Outcome<string, TestError>> = []
      const taken: Array<string> = []
      const ended = yield* Stream.fromIterable(ids(1000), { chunkSize: 10 }).pipe(
        Stream.tap((id) => Effect.sync(() => taken.push(id))),
        Write.outcomes(put(pacing, () => Effect.fail(unavailable()))),
        Stream.runForEach((outcome) => Effect.sync(() => outcomes.push(outcome))),
        Effect.flip,
        (run) => inTime(run, "1 second")
      )
      assert.strictEqual(ended._tag === "TestError" && ended.reason._tag, "CircuitOpen")
      assert.sameMembers(
        outcomes.map(({ input }) => input),
        taken
      )
      // What was sent may be stored; what waited for its first attempt is not.
      for (const outcome of outcomes) {
        if (outcome._tag === "Written") assert.fail("nothing was written")
        assert.strictEqual(outcome._tag, outcome.attempts > 0 ? "Unknown" : "Rejected")
      }
      assert.isAtMost(yield* Clock.currentTimeMillis, 150_000)
    })
  )

  it.effect("fail at once when a quota is used up", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ system: "test" })
      let calls = 0
      const exhausted = new TestError({ reason: new QuotaExhausted({ detail: "the month's units" }) })
      const error = yield* Stream.fromIterable(ids(10)).pipe(
        Write.outcomes(
          put(pacing, () =>
            Effect.suspend(() => {
              calls++
              return Effect.fail(exhausted)
            })
          )
        ),
        Stream.runDrain,
        Effect.flip
      )
      assert.strictEqual(error, exhausted)
      assert.strictEqual(calls, 1)
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
    })
  )

  it.effect("release what waits for its turn when the stream is stopped, as never sent", () =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make({ system: "test", rates: { put: { requestsPerSecond: 0.01 } } })
      const unauthorized = new TestError({ reason: new QuotaExhausted({ detail: "no" }) })
      const outcomes: Array<Outcome.Outcome<string, TestError>> = []
      const taken: Array<string> = []
      yield* Stream.fromIterable(ids(40), { chunkSize: 10 }).pipe(
        Stream.tap((id) => Effect.sync(() => taken.push(id))),
        Write.outcomes(
          put(pacing, () => Effect.fail(unauthorized)),
          { maxRecords: 10 }
        ),
        Stream.runForEach((outcome) => Effect.sync(() => outcomes.push(outcome))),
        Effect.exit,
        (run) => inTime(run, "1 second")
      )
      assert.isAtMost(yield* Clock.currentTimeMillis, 150_000)
      assert.sameMembers(
        outcomes.map(({ input }) => input),
        taken
      )
      assert.isAbove(taken.length, 10)
      for (const [n, outcome] of outcomes.entries()) {
        assert.strictEqual(outcome._tag === "Rejected" ? outcome.attempts : -1, n < 10 ? 1 : 0)
      }
    })
  )

  it.effect.prop(
    "give one outcome a record, whatever is throttled, fails or is lost",
    {
      script: Schema.Array(Schema.Literals(["ok", "429", "503", "bad"])),
      size: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 }))
    },
    ({ script, size }) =>
      Effect.gen(function* () {
        const pacing = yield* Pacing.make({
          system: "test",
          maxConcurrency: 4,
          breaker: { failures: 2 },
          rates: { put: { requestsPerSecond: 20, bytesPerSecond: 500 } }
        })
        let n = 0
        const errors = { "429": rateLimited(300), "503": unavailable(), bad: refused() }
        const send = () =>
          Effect.suspend(() => {
            const step = script[n++] ?? "ok"
            return Effect.andThen(Effect.sleep(50), step === "ok" ? Effect.void : Effect.fail(errors[step]))
          })
        const counts = yield* Stream.fromIterable(ids(size), { chunkSize: 7 }).pipe(
          Write.outcomes(put(pacing, send)),
          Stream.run(Outcome.count),
          (run) => inTime(run, "200 millis")
        )
        assert.strictEqual(counts.written + counts.rejected + counts.unknown, size)
        assert.isAtMost(counts.rejected, script.filter((step) => step === "bad").length)
      })
  )
})
