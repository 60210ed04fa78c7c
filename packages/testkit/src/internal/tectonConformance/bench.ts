/** What every section of the suite works with: users of the test's own, and events of theirs. */
import type { Service } from "@effect-connectors/tecton/TectonApi"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import type { TectonError } from "@effect-connectors/tecton/TectonError"
import * as TectonSink from "@effect-connectors/tecton/TectonSink"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import * as Timestamp from "@effect-connectors/tecton/Timestamp"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { allWritten } from "../conformance/outcomes.ts"
import { type Event, events, service, type Vector } from "./definition.ts"

/** What a test is given. */
export interface Bench {
  readonly client: Service
  /** A user nobody else has. */
  readonly user: string
  /** Now, in whole seconds. */
  readonly now: number
  /** An event of {@link user}, so many seconds before {@link now} (default 1). */
  readonly event: (change?: Partial<Event>, secondsAgo?: number) => Event
}

/** Registers a test. */
export type Test = (
  name: string,
  body: (bench: Bench) => Effect.Effect<unknown, unknown, TectonClient | Scope.Scope>
) => void

export const onBench = <A, E, R>(body: (bench: Bench) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const client = yield* TectonClient
    const user = `conformance-${(yield* Random.nextIntBetween(0, 2 ** 40)).toString(36)}`
    const now = Math.floor((yield* Clock.currentTimeMillis) / 1000) * 1000
    const event = (change: Partial<Event> = {}, secondsAgo = 1): Event => ({
      user_id: user,
      card: 1,
      timestamp: Timestamp.fromMillis(now - secondsAgo * 1000),
      amount: 1,
      score: 0.5,
      good: true,
      seen_at: null,
      tags: null,
      position: null,
      weights: null,
      ...change
    })
    return yield* body({ client, user, now, event })
  })

/** Writes events every one of which must be written. */
export const write = (all: ReadonlyArray<Event>, settings: TectonSink.Settings = {}) =>
  allWritten(all, TectonSink.ingestOutcomes({ ...settings, source: events }))

/** What is asked for a user. */
export const asking = {
  keys: (user_id: string | null) => ({ user_id }),
  requestContext: () => ({ factor: 2 })
}

/** The features of users, in order. */
export const read = (users: ReadonlyArray<string | null>, settings: TectonSource.FeaturesSettings = {}) =>
  Stream.fromIterable(users).pipe(
    TectonSource.features(service, { ...settings, ...asking }),
    Stream.map(([, vector]) => vector),
    Stream.runCollect
  )

/** The features of one user. */
export const readOne = (user: string) => Effect.map(read([user]), ([vector]) => vector!)

/** The values of a vector, without what comes with them. */
export const valuesOf = (vector: Vector) =>
  Object.fromEntries(Object.entries(vector).map(([name, { value }]) => [name, value]))

/** What became of a row, in a word. */
export const verdict = <A>(result: Result.Result<A, TectonError>): string =>
  Result.isSuccess(result) ? "found" : result.failure.reason._tag
