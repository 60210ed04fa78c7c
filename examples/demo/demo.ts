/**
 * The main job, end to end: texts are embedded, written to an index as they come, and questions asked of it.
 */
import { PineconeIndex, PineconeSink, PineconeSource } from "@effect-connectors/pinecone"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Corpus } from "./corpora.ts"
import { embed, load, untilReadable } from "./embedded.ts"
import { Encoder } from "./encoders.ts"
import { meanRecall } from "./recall.ts"
import { type Report, shareOf } from "./report.ts"

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

/** Asks questions and gives the answers in their order. */
const ask = (questions: ReadonlyArray<string>) =>
  embed(questions, (question) => question).pipe(
    PineconeSource.query({ vector: ({ vector }) => vector, topK, includeMetadata: true }),
    Stream.runCollect
  )

/** Runs the demo and reports on it. Progress goes to stderr. */
export const run = Effect.fnUntraced(function* (corpus: Corpus, store: Report["store"]) {
  const encoder = yield* Encoder
  const index = yield* PineconeIndex
  const { dimension } = yield* index.stats
  if (dimension !== undefined && dimension !== encoder.dimension) {
    return yield* new WrongDimension({ index: dimension, encoder: encoder.dimension })
  }
  const { embedSeconds, loadSeconds, outcomes, recordsPerSecond, vectors } = yield* load(
    corpus,
    PineconeSink.upsertOutcomes({
      record: ({ of, vector }) => ({ id: of.id, values: vector, metadata: { ...of.metadata, text: of.text } })
    })
  )
  yield* untilReadable(index, outcomes.written)

  const shown = yield* ask(corpus.questions)
  const asked = yield* ask(corpus.pairs.map((pair) => pair.question))
  const recallAt5 = yield* meanRecall(
    vectors,
    [...shown, ...asked].map(([{ vector }, matches]) => ({ question: vector, found: matches.map(({ id }) => id) })),
    topK
  )
  const found = asked.filter(([, matches], i) => matches.some(({ id }) => id === corpus.pairs[i]?.answerId)).length

  const report: Report = {
    store,
    corpus: corpus.name,
    encoder: encoder.name,
    dimension: encoder.dimension,
    records: corpus.texts.length,
    outcomes,
    questions: shown.map(([{ of: question }, matches]) => ({
      question,
      matches: matches.map(({ id, metadata, score }) => ({
        id,
        score,
        name: String(metadata?.["name"] ?? id),
        text: String(metadata?.["text"] ?? "")
      }))
    })),
    embedSeconds,
    loadSeconds,
    recordsPerSecond,
    recallAt5,
    rightAnswerInFirst5: shareOf(found, asked.length)
  }
  return report
})
