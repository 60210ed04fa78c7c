/**
 * The main job, end to end: texts are embedded, written to an index as they come, and questions asked of it.
 */
import { Outcome, Progress } from "@effect-connectors/core"
import { PineconeIndex, PineconeSink, PineconeSource } from "@effect-connectors/pinecone"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Corpus } from "./corpora.ts"
import { Encoder } from "./encoders.ts"
import * as ProgressDisplay from "./progress.ts"
import { recall } from "./recall.ts"
import type { Report } from "./report.ts"

const topK = 5

/** The index holds vectors of another length than the encoder makes. */
export class WrongDimension extends Schema.TaggedError<WrongDimension>()("WrongDimension", {
  index: Schema.Int,
  encoder: Schema.Int
}) {
  override get message(): string {
    return `the index has dimension ${this.index} and this model makes ${this.encoder}; use an index of dimension ${this.encoder} with metric cosine`
  }
}

/** Embeds and writes all texts, the next ones being embedded while the last are written, and keeps the vectors to compare with. */
const load = Effect.fnUntraced(function* (corpus: Corpus) {
  const encoder = yield* Encoder
  const progress = yield* Progress.make
  const display = yield* Effect.forkChild(ProgressDisplay.show(progress, "embed and write", corpus.texts.length))
  const vectors = new Map<string, Float32Array>()
  let embedMillis = 0
  const start = yield* Clock.currentTimeMillis
  const outcomes = yield* Stream.fromIterable(corpus.texts).pipe(
    Stream.grouped(encoder.batch),
    Stream.mapEffect(
      (texts) =>
        Effect.map(Effect.timed(encoder.embed(texts.map(({ text }) => text))), ([taken, embedded]) => {
          embedMillis += Duration.toMillis(taken)
          return texts.map(({ id, metadata, text }, i) => {
            const values = embedded[i]!
            vectors.set(id, values)
            return { id, values, metadata: { ...metadata, text } }
          })
        }),
      { concurrency: encoder.concurrency }
    ),
    Stream.flattenIterable,
    PineconeSink.upsertOutcomes(),
    progress.track,
    Stream.run(Outcome.count)
  )
  const loadSeconds = ((yield* Clock.currentTimeMillis) - start) / 1000
  yield* Fiber.join(display)
  return { vectors, outcomes, loadSeconds, embedSeconds: embedMillis / encoder.concurrency / 1000 }
})

/** A live index shows what was written a little later; after a minute without it the questions are asked anyway. */
const untilReadable = (records: number) =>
  Effect.gen(function* () {
    const index = yield* PineconeIndex
    const stats = yield* index.stats
    return (stats.namespaces.get(index.namespace) ?? 0) >= records
  }).pipe(
    Effect.repeat(
      Schedule.spaced("1 second").pipe(
        Schedule.while(({ input }) => !input),
        Schedule.upTo({ duration: "1 minute" })
      )
    )
  )

/** Asks questions and gives the answers in their order. */
const ask = Effect.fnUntraced(function* (questions: ReadonlyArray<string>) {
  const encoder = yield* Encoder
  return yield* Stream.fromIterable(questions).pipe(
    Stream.grouped(encoder.batch),
    Stream.mapEffect(
      (texts) =>
        Effect.map(encoder.embed(texts), (embedded) => texts.map((text, i) => ({ text, vector: embedded[i]! }))),
      { concurrency: encoder.concurrency }
    ),
    Stream.flattenIterable,
    PineconeSource.query({ vector: (question) => question.vector, topK, includeMetadata: true }),
    Stream.runCollect
  )
})

/** Runs the demo and reports on it. Progress goes to stderr. */
export const run = Effect.fnUntraced(function* (corpus: Corpus, store: Report["store"]) {
  const encoder = yield* Encoder
  const index = yield* PineconeIndex
  const { dimension } = yield* index.stats
  if (dimension !== undefined && dimension !== encoder.dimension) {
    return yield* new WrongDimension({ index: dimension, encoder: encoder.dimension })
  }
  const { embedSeconds, loadSeconds, outcomes, vectors } = yield* load(corpus)
  yield* untilReadable(outcomes.written)

  const shown = yield* ask(corpus.questions)
  const asked = yield* ask(corpus.pairs.map((pair) => pair.question))
  const answers = [...shown, ...asked]
  const shares = yield* Effect.forEach(answers, ([{ vector }, matches]) => {
    const ids = matches.map(({ id }) => id)
    // Brute force takes its time, so a signal gets its turn between questions.
    return Effect.map(Effect.yieldNow, () => recall(vectors, vector, ids, topK))
  })
  const found = asked.filter(([, matches], i) => matches.some(({ id }) => id === corpus.pairs[i]?.answerId)).length

  const report: Report = {
    store,
    corpus: corpus.name,
    encoder: encoder.name,
    dimension: encoder.dimension,
    records: corpus.texts.length,
    outcomes,
    questions: shown.map(([{ text }, matches]) => ({
      question: text,
      matches: matches.map(({ id, metadata, score }) => ({
        id,
        score,
        name: String(metadata?.["name"] ?? id),
        text: String(metadata?.["text"] ?? "")
      }))
    })),
    embedSeconds,
    loadSeconds,
    recordsPerSecond: loadSeconds > 0 ? outcomes.written / loadSeconds : 0,
    recallAt5: shares.length === 0 ? 1 : shares.reduce((sum, share) => sum + share, 0) / shares.length,
    rightAnswerInFirst5: { found, of: asked.length, share: asked.length === 0 ? 0 : found / asked.length }
  }
  return report
})
