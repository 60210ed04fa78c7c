/**
 * The loop between a feature store and a vector database: features become text, text becomes vectors, vectors find
 * neighbours, and the neighbours become a feature again.
 */
import { PineconeSink, PineconeSource } from "@effect-connectors/pinecone"
import { FeatureService, TectonSink, TectonSource, Timestamp } from "@effect-connectors/tecton"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Text } from "../demo/corpora.ts"
import { Encoder } from "../demo/encoders.ts"
import { items, neighbours, type Neighbours, similar, texts } from "./features.ts"

/** What the loop did. */
export interface Report {
  readonly items: number
  /** Neighbours that were pushed as features. */
  readonly written: number
  /** Items whose features, read back, are the neighbours that were pushed. */
  readonly readBack: number
}

/** A feature that every item was given is not there. */
export class MissingFeature extends Schema.TaggedError<MissingFeature>()("MissingFeature", {
  item: Schema.String,
  status: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return `item ${this.item} has no text: ${this.status ?? "no status"}`
  }
}

/** How many neighbours an item is given. */
const topK = 5

const now = Effect.map(DateTime.now, Timestamp.fromDateTime)

/** Puts the texts into the feature store: in a real system somebody else has done that. */
const seed = (all: ReadonlyArray<Text>) =>
  Effect.flatMap(now, (at) =>
    Stream.fromIterable(all).pipe(
      TectonSink.ingest({
        source: items,
        record: ({ id, metadata, text }) => ({ item: id, at, name: String(metadata["name"]), text }),
        maxRecords: 50
      }),
      Stream.runDrain
    )
  )

/** Reads the texts of items from the feature store and gives each its vector. */
const embedded = (ids: ReadonlyArray<string>) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const service = yield* FeatureService.bind(texts)
      const encoder = yield* Encoder
      return Stream.fromIterable(ids).pipe(
        TectonSource.features(service, { keys: (item) => ({ item }) }),
        Stream.mapEffect(([item, features]) => {
          const { status, value } = features["item_texts.text"]
          const name = features["item_texts.name"].value
          return value === null || name === null
            ? Effect.fail(new MissingFeature({ item, ...(status === undefined ? {} : { status }) }))
            : Effect.succeed({ item, text: `${name}. ${value}` })
        }),
        Stream.rechunk(encoder.batch),
        Stream.mapArrayEffect((chunk) =>
          Effect.map(encoder.embed(chunk.map(({ text }) => text)), (vectors) =>
            Arr.map(chunk, ({ item }, i) => ({ item, values: vectors[i]! }))
          )
        )
      )
    })
  )

/** Runs the loop over items. `say` hears of each step. */
export const run = Effect.fnUntraced(function* (all: ReadonlyArray<Text>, say: (step: string) => Effect.Effect<void>) {
  const ids = all.map(({ id }) => id)
  yield* seed(all)
  yield* say(`${all.length} items are in the feature store`)

  const vectors = yield* embedded(ids).pipe(
    PineconeSink.upsert({ record: ({ item, values }) => ({ id: item, values }) }),
    Stream.map(({ input }) => input),
    Stream.runCollect
  )
  yield* say(`${vectors.length} vectors made of their features are in the index`)

  const at = yield* now
  const pushed = yield* Stream.fromIterable(vectors).pipe(
    // The nearest of an item is the item itself.
    PineconeSource.query({ vector: ({ values }) => values, topK: topK + 1, includeMetadata: false }),
    Stream.map(([{ item }, matches]): Neighbours => {
      const others = matches.filter(({ id }) => id !== item).slice(0, topK)
      return { item, at, similar: others.map(({ id }) => id), scores: others.map(({ score }) => score) }
    }),
    TectonSink.ingest({ source: neighbours }),
    Stream.map(({ input }) => input),
    Stream.runCollect
  )
  yield* say(`the neighbours of ${pushed.length} items were pushed as features`)

  const found = yield* Stream.fromIterable(pushed).pipe(
    TectonSource.features(similar, { keys: ({ item }) => ({ item }) }),
    Stream.filter(
      ([{ scores, similar }, features]) =>
        JSON.stringify(features["item_neighbours.similar"].value) === JSON.stringify(similar) &&
        JSON.stringify(features["item_neighbours.scores"].value) === JSON.stringify(scores)
    ),
    Stream.runCollect
  )
  const report: Report = { items: ids.length, written: pushed.length, readBack: found.length }
  return { report, neighbours: pushed }
})
