/**
 * Stops calls to a service that is down: they wait, one of them asks from time to time whether it is back, and then all
 * go on.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { CircuitOpen, type ConnectorError, retryAfterMillis } from "../ConnectorError.ts"
import { CircuitBreaker } from "./persistence.ts"

export interface Options {
  /** What it is called in logs. */
  readonly service: string
  readonly failures: number
  readonly probeEvery: Duration.Input
  readonly probeAtMost: Duration.Input
  readonly giveUpAfter: Duration.Input
  /** The longest wait that the service may ask for. */
  readonly maxRetryAfter: Duration.Input
}

/** How a call ends that waits for a service that is down. */
export interface Waiting<out E> {
  readonly gaveUp: (reason: CircuitOpen) => E
  /** When the call itself is out of time, in epoch milliseconds. Default: never. */
  readonly until?: (() => number) | undefined
  /** What it then fails with. Default: what `gaveUp` gives. */
  readonly outOfTime?: (() => E | undefined) | undefined
}

export interface Circuit {
  /** Calls do not wait. */
  readonly isClosed: () => boolean
  readonly guard: <A, E extends ConnectorError, R>(
    attempt: Effect.Effect<A, E, R>,
    waiting: Waiting<E>
  ) => Effect.Effect<A, E, R>
}

/** The service gave no answer, or one that says it can not answer. */
const isOutage = ({ reason }: ConnectorError): boolean =>
  reason._tag === "Unavailable" || reason._tag === "ConnectionFailed" || reason._tag === "TimedOut"

const classify = <A, E extends ConnectorError>(exit: Exit.Exit<A, E>): CircuitBreaker.Outcome => {
  if (Exit.isSuccess(exit)) return CircuitBreaker.success
  const error = Cause.findErrorOption(exit.cause)
  if (Option.isNone(error)) return CircuitBreaker.ignored
  // A refusal too is the answer of a service that lives.
  return isOutage(error.value)
    ? CircuitBreaker.failure({ retryAfter: retryAfterMillis(error.value.reason) })
    : CircuitBreaker.success
}

const key = "service"

/** How often a call that waits looks whether there is news. */
const pollEvery = Duration.millis(250)

export const make = (options: Options): Effect.Effect<Circuit> =>
  Effect.gen(function* () {
    const store = yield* Effect.scoped(Layer.build(CircuitBreaker.layerStoreMemory()))
    const breaker = yield* CircuitBreaker.make({
      tripPolicy: CircuitBreaker.consecutive(options.failures),
      maxOpenDuration: options.maxRetryAfter,
      openDuration: Schedule.min([Schedule.exponential(options.probeEvery), Schedule.spaced(options.probeAtMost)])
    }).pipe(
      Effect.provideService(Scope.Scope, yield* Scope.make()),
      Effect.provideService(CircuitBreaker.CircuitBreakerStore, Context.get(store, CircuitBreaker.CircuitBreakerStore))
    )
    const giveUp = Duration.fromInputUnsafe(options.giveUpAfter)
    const giveUpMillis = Duration.toMillis(giveUp)
    const probeMillis = Duration.toMillis(Duration.fromInputUnsafe(options.probeAtMost))
    const closed = Latch.makeUnsafe(true)
    let lastFailure = ""
    let since = 0
    // Outages since the last answer.
    let outages = 0

    const opened = Effect.flatMap(Clock.currentTimeMillis, (now) => {
      if (!closed.isOpen()) return Effect.void
      closed.closeUnsafe()
      since = now
      return Effect.logWarning(
        `${options.service} does not answer (${options.failures} calls failed in a row; the last: ${lastFailure}). ` +
          `Calls wait; one asks from time to time whether it is back, until ${Duration.format(giveUp)} are over`
      )
    })
    const isBack = Effect.suspend(() => {
      outages = 0
      if (closed.isOpen()) return Effect.void
      return Effect.andThen(closed.open, Effect.logInfo(`${options.service} answers again`))
    })
    const isDown = Effect.map(Effect.orDie(breaker.state(key)), ({ _tag }) => _tag !== "Closed")

    /** Tells the breaker how a call ended that did not go through it. What ends late says nothing of a service that is down. */
    const told = (ended: Effect.Effect<void, ConnectorError>): Effect.Effect<void> =>
      Effect.flatMap(isDown, (down) => (down ? Effect.void : Effect.ignore(breaker.execute(ended, { key, classify }))))
    const answered = Effect.suspend(() => {
      if (outages === 0) return Effect.void
      const before = outages
      return Effect.andThen(
        told(Effect.void),
        Effect.sync(() => {
          if (outages === before) outages = 0
        })
      )
    })

    // Once the breaker knows of it: an answer in between would else be told first, and the outage never be forgotten.
    const counted = Effect.sync(() => {
      outages++
    })

    const guard = <A, E extends ConnectorError, R>(
      attempt: Effect.Effect<A, E, R>,
      waiting: Waiting<E>
    ): Effect.Effect<A, E, R> => {
      const noted = Effect.tapError(attempt, (error) =>
        Effect.sync(() => {
          if (isOutage(error)) lastFailure = error.message
        })
      )
      // To pass each call through the breaker would cost more than all else about it, and while a service answers the breaker
      // learns nothing.
      const quick = Effect.matchEffect(noted, {
        onSuccess: (value) => (outages === 0 ? Effect.succeed(value) : Effect.as(answered, value)),
        onFailure: (error) =>
          isOutage(error)
            ? Effect.andThen(Effect.andThen(told(Effect.fail(error)), counted), failed(error, undefined, false))
            : Effect.andThen(answered, Effect.fail(error))
      })
      const once = breaker.execute(noted, { key, classify })
      /** `from`: since when this call waits; `undefined` before it does. */
      const loop = (from: number | undefined): Effect.Effect<A, E, R> =>
        Effect.suspend(() => {
          // A call that asks whether the service is back waits on if it is not; one that finds it down has an attempt less.
          const asks = !closed.isOpen()
          return Effect.matchEffect(once, {
            onSuccess: (value) => Effect.as(isBack, value),
            onFailure: (error) => {
              if (!(error instanceof CircuitBreaker.CircuitBreakerError)) return failed(error, from, asks)
              // While another call asks, there is no telling how long that takes.
              return wait(from, "retryAfter" in error.reason ? error.reason.retryAfter : pollEvery)
            }
          })
        })
      const failed = (error: E, from: number | undefined, asked: boolean): Effect.Effect<A, E, R> =>
        Effect.flatMap(isDown, (down) => {
          if (!down) return isOutage(error) ? Effect.fail(error) : Effect.andThen(isBack, Effect.fail(error))
          return asked && isOutage(error) ? wait(from, pollEvery) : Effect.andThen(opened, Effect.fail(error))
        })
      const wait = (from: number | undefined, pause: Duration.Duration): Effect.Effect<A, E, R> =>
        Effect.flatMap(Effect.andThen(opened, Clock.currentTimeMillis), (now) => {
          const start = from ?? now
          // A service may be back that was down for long when this call came: it waits for one answer at least.
          const left =
            Math.min(Math.max(since + giveUpMillis, start + probeMillis), waiting.until?.() ?? Infinity) - now
          if (left <= 0) return Effect.fail(ended(now))
          const over = Effect.sleep(Math.min(Duration.toMillis(pause), left))
          return Effect.andThen(Effect.raceFirst(over, closed.await), loop(start))
        })
      const ended = (now: number): E => {
        const late = now < since + giveUpMillis ? waiting.outOfTime?.() : undefined
        return (
          late ??
          waiting.gaveUp(new CircuitOpen({ service: options.service, downMillis: now - since, detail: lastFailure }))
        )
      }
      return Effect.suspend(() => (closed.isOpen() ? quick : loop(undefined)))
    }
    return { isClosed: () => closed.isOpen(), guard }
  })
