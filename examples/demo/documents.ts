/**
 * The job on a document index: names and texts are found by their words, by their meaning, and by both together.
 */
import {
  DocumentIndex,
  PineconeDocumentIndex,
  PineconeDocuments,
  type PineconeError,
  RankFusion
} from "@effect-connectors/pinecone"
import * as Arr from "effect/Array"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Corpus } from "./corpora.ts"
import { type DocumentsReport, type Found, type Rankings } from "./documentsReport.ts"
import { embed, load, untilReadable } from "./embedded.ts"
import { Encoder } from "./encoders.ts"
import { meanRecall } from "./recall.ts"
import { type Loaded, shareOf } from "./report.ts"

const topK = 5

/** How deep the rankings are that are merged: a document that is far down in one may be high in the other. */
const depth = 50

/**
 * What the demo declares. Questions are everyday English, so "looking" should find "look", and "the" should find nothing:
 * stemming and stop words.
 */
export const declare = (dimension: number) => {
  const words = DocumentIndex.text({ language: "en", stemming: true, stopWords: true })
  return DocumentIndex.make({
    name: words,
    text: words,
    embedding: DocumentIndex.dense({ dimension, metric: "cosine" })
  })
}

interface Match {
  readonly _id: string
  readonly _score: number | null
  readonly name: string
  readonly text: string
}

const toFound = ({ _id, _score, name, text }: Match): Found => ({ id: _id, score: _score, name, text })

const together = (words: ReadonlyArray<Match>, meaning: ReadonlyArray<Match>): ReadonlyArray<Found> =>
  RankFusion.fuse([words, meaning], { id: ({ _id }) => _id }).map(({ item, score }) => ({ ...toFound(item), score }))

const first = (found: ReadonlyArray<Found>) => found.slice(0, topK)

/**
 * Asks each question by its words and by its vector. Pinecone ranks by one thing at a time, so the third ranking is
 * made here, of the two.
 */
const ask = Effect.fnUntraced(function* (index: ReturnType<typeof declare>, questions: ReadonlyArray<string>) {
  const options = { topK: depth, fields: ["name", "text"] } as const
  const rows = yield* embed(questions, (question) => question).pipe(
    PineconeDocuments.searchResults(index, {
      ...options,
      scoreBy: ({ of }) => index.score.text(["name", "text"], of)
    }),
    PineconeDocuments.search(index, {
      ...options,
      scoreBy: ([{ vector }]) => index.score.dense("embedding", vector)
    }),
    Stream.runCollect
  )
  const refusals: Array<PineconeError> = []
  const answers = yield* Effect.forEach(rows, ([[{ of: question, vector }, byWords], meaning]) =>
    Effect.gen(function* () {
      // Words that a store does not take as a query, for instance nothing but stop words, find nothing.
      const refusal = Result.isFailure(byWords) && byWords.failure.reason.blamesRecords ? byWords.failure : undefined
      if (refusal !== undefined) refusals.push(refusal)
      const words = refusal === undefined ? yield* Effect.fromResult(byWords) : []
      return {
        question,
        vector,
        ranked: {
          words: first(words.map(toFound)),
          meaning: first(meaning.map(toFound)),
          both: first(together(words, meaning))
        } satisfies Rankings
      }
    })
  )
  const [refusal] = refusals
  if (refusal === undefined) return { answers, refusedQueries: 0 }
  // Then it is not the words.
  if (refusals.length === rows.length) return yield* refusal
  yield* Console.error(
    `the words of ${refusals.length} questions were refused as a query, and found nothing; the first: ${refusal.message}`
  )
  return { answers, refusedQueries: refusals.length }
})

/** Runs the demo on documents and reports on it. Progress goes to stderr. */
export const run = Effect.fnUntraced(function* (corpus: Corpus, store: Loaded["store"]) {
  const encoder = yield* Encoder
  const service = yield* PineconeDocumentIndex
  const index = declare(encoder.dimension)
  yield* DocumentIndex.check(index)
  const { vectors, ...loaded } = yield* load(
    corpus,
    PineconeDocuments.upsertOutcomes(index, {
      document: ({ of: { id, metadata, text }, vector }) => ({
        _id: id,
        name: String(metadata["name"] ?? id),
        text,
        embedding: vector
      })
    })
  )
  yield* untilReadable(service, loaded.outcomes.written)

  const { answers, refusedQueries } = yield* ask(
    index,
    Arr.dedupe([...corpus.questions, ...corpus.pairs.map(({ question }) => question)])
  )
  const recallAt5 = yield* meanRecall(
    vectors,
    answers.map(({ ranked, vector }) => ({ question: vector, found: ranked.meaning.map(({ id }) => id) })),
    topK
  )
  const rankedOf = new Map(answers.map(({ question, ranked }) => [question, ranked]))
  const expectedOf = new Map(corpus.pairs.map(({ answerId, question }) => [question, answerId]))
  const nameOf = new Map(corpus.texts.map(({ id, metadata }) => [id, String(metadata["name"] ?? id)]))
  const shareBy = (ranking: keyof Rankings) => {
    const found = corpus.pairs.filter(({ answerId, question }) =>
      rankedOf.get(question)?.[ranking].some(({ id }) => id === answerId)
    )
    return shareOf(found.length, corpus.pairs.length)
  }

  const report: DocumentsReport = {
    plane: "documents",
    store,
    corpus: corpus.name,
    encoder: encoder.name,
    dimension: encoder.dimension,
    records: corpus.texts.length,
    questions: corpus.questions.flatMap((question) => {
      const ranked = rankedOf.get(question)
      const id = expectedOf.get(question)
      const name = id === undefined ? undefined : nameOf.get(id)
      const expected = id === undefined || name === undefined ? {} : { expected: { id, name } }
      return ranked === undefined ? [] : [{ question, ...expected, ...ranked }]
    }),
    ...loaded,
    recallAt5,
    mergedFirst: depth,
    refusedQueries,
    rightAnswerInFirst5: { words: shareBy("words"), meaning: shareBy("meaning"), both: shareBy("both") }
  }
  return report
})
