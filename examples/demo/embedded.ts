/**
 * Texts with the vectors that the encoder makes of them: written as they come, and asked by.
 */
import { Outcome, Progress } from "@effect-connectors/core"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { Corpus, Text } from "./corpora.ts"
import { Encoder, type EncoderError } from "./encoders.ts"
import * as ProgressDisplay from "./progress.ts"

/** Something with the vector of its text. */
export interface Embedded<A> {
  readonly of: A
  readonly vector: Float32Array
}

/** Embeds the text of each element, in order. `onBatch` gets the milliseconds that the model took for a batch. */
export const embed = <A>(
  elements: ReadonlyArray<A>,
  text: (element: A) => string,
  onBatch: (millis: number) => void = () => {}
): Stream.Stream<Embedded<A>, EncoderError, Encoder> =>
  Stream.unwrap(
    Effect.map(Encoder, (encoder) =>
      Stream.fromIterable(elements).pipe(
        Stream.grouped(encoder.batch),
        Stream.mapEffect(
          (batch) =>
            Effect.map(Effect.timed(encoder.embed(batch.map(text))), ([taken, vectors]) => {
              onBatch(Duration.toMillis(taken))
              return batch.map((of, i): Embedded<A> => ({ of, vector: vectors[i]! }))
            }),
          { concurrency: encoder.concurrency }
        ),
        Stream.flattenIterable
      )
    )
  )

/**
 * Embeds all texts and writes them by `upsert`, the next ones being embedded while the last are written. Keeps the vectors
 * to compare with.
 */
export const load = Effect.fnUntraced(function* <X, E, R>(
  corpus: Corpus,
  upsert: (
    texts: Stream.Stream<Embedded<Text>, EncoderError, Encoder>
  ) => Stream.Stream<Outcome.Outcome<unknown, X>, E, R>
) {
  const encoder = yield* Encoder
  const progress = yield* Progress.make
  const display = yield* Effect.forkChild(ProgressDisplay.show(progress, "embed and write", corpus.texts.length))
  const vectors = new Map<string, Float32Array>()
  let embedMillis = 0
  const start = yield* Clock.currentTimeMillis
  const texts = embed(
    corpus.texts,
    ({ text }) => text,
    (millis) => void (embedMillis += millis)
  ).pipe(
    Stream.mapArray((chunk) => {
      for (const { of, vector } of chunk) vectors.set(of.id, vector)
      return chunk
    })
  )
  const outcomes = yield* upsert(texts).pipe(progress.track, Stream.run(Outcome.count))
  const loadSeconds = ((yield* Clock.currentTimeMillis) - start) / 1000
  yield* Fiber.join(display)
  return {
    vectors,
    outcomes,
    embedSeconds: embedMillis / encoder.concurrency / 1000,
    loadSeconds,
    recordsPerSecond: loadSeconds > 0 ? outcomes.written / loadSeconds : 0
  }
})

/** What an index tells of itself, of either plane. */
interface Counted<E> {
  readonly namespace: string
  readonly stats: Effect.Effect<{ readonly namespaces: ReadonlyMap<string, number> }, E>
}

/** A live index shows what was written a little later; after a minute without it the questions are asked anyway. */
export const untilReadable = <E>(index: Counted<E>, records: number) =>
  Effect.map(index.stats, ({ namespaces }) => (namespaces.get(index.namespace) ?? 0) >= records).pipe(
    Effect.repeat(
      Schedule.spaced("1 second").pipe(
        Schedule.while(({ input }) => !input),
        Schedule.upTo({ duration: "1 minute" })
      )
    )
  )
