/** Where each test of a suite works: a namespace of its own, and patience with a store whose writes become readable late. */
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"

export interface Ground {
  /** A namespace nobody else uses, removed after the test. */
  readonly namespace: string
  /** One more such namespace. Its name starts with that of {@link namespace}. */
  readonly another: (suffix: string) => string
  /** Repeats a check of something just written until it holds or the store had its time. */
  readonly soon: <A, E, R>(check: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** Runs a test on a ground of its own, so that tests can share an index and an index can be shared with others. */
export const onGround = <A, E, R>(
  index: { readonly deleteNamespace: (name: string) => Effect.Effect<void, unknown> },
  /** How long a write may take to be readable; zero when it is at once. */
  eventually: Duration.Duration,
  body: (ground: Ground) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const namespace = `conformance-${(yield* Random.nextIntBetween(0, 2 ** 40)).toString(36)}`
    const used = new Set([namespace])
    const ground: Ground = {
      namespace,
      another: (suffix) => {
        const name = `${namespace}-${suffix}`
        used.add(name)
        return name
      },
      soon: (check) =>
        Duration.isZero(eventually)
          ? check
          : check.pipe(
              Effect.sandbox,
              Effect.retry(Schedule.upTo(Schedule.spaced("50 millis"), { duration: eventually })),
              Effect.catch(Effect.failCause)
            )
    }
    // A namespace that was never written to is not there to be removed.
    const removal = Effect.suspend(() =>
      Effect.forEach(used, (name) => Effect.ignore(index.deleteNamespace(name)), { discard: true })
    )
    return yield* Effect.ensuring(body(ground), removal)
  })

/** Checks how many records the index says there are in a namespace. */
export const holds = <E, R>(
  {
    index,
    namespace,
    soon
  }: Ground & {
    readonly index: { readonly stats: Effect.Effect<{ readonly namespaces: ReadonlyMap<string, number> }, E, R> }
  },
  count: number,
  where = namespace
): Effect.Effect<void, E, R> =>
  soon(
    Effect.map(index.stats, ({ namespaces }) => assert.strictEqual(namespaces.get(where) ?? 0, count, "records stored"))
  )
