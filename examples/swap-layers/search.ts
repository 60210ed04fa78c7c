/**
 * A small app: it keeps notes and finds those that are like a text. It is written against `PineconeIndex`, and which
 * index that is, the program or its test says with a layer.
 */
import type { Outcome } from "@effect-connectors/core"
import { type PineconeError, PineconeIndex, TypedIndex } from "@effect-connectors/pinecone"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { embed } from "./embed.ts"

export interface Note {
  readonly id: string
  readonly text: string
}

export interface Found extends Note {
  /** 0 to 1, and 1 is the same. */
  readonly score: number
}

/** The search can not be used until somebody buys more of it; trying again will not help. */
export class SearchClosed extends Schema.TaggedError<SearchClosed>()("SearchClosed", { detail: Schema.String }) {}

const noteIndex = TypedIndex.make(Schema.Struct({ text: Schema.String }))

export class NoteSearch extends Context.Service<
  NoteSearch,
  {
    readonly add: (notes: Iterable<Note>) => Effect.Effect<void, PineconeError | Outcome.RecordsNotWritten>
    readonly similar: (text: string, count: number) => Effect.Effect<ReadonlyArray<Found>, PineconeError | SearchClosed>
  }
>()("example/NoteSearch") {
  static readonly layer = Layer.effect(
    NoteSearch,
    Effect.gen(function* () {
      const context = yield* Effect.context<PineconeIndex>()
      return NoteSearch.of({
        add: (notes) =>
          Stream.fromIterable(notes).pipe(
            noteIndex.upsert({
              record: ({ id, text }: Note) => ({ id, values: embed(text), metadata: { text } })
            }),
            Stream.runDrain,
            Effect.provide(context)
          ),
        similar: (text, count) =>
          Stream.make(text).pipe(
            noteIndex.query({ vector: embed, topK: count }),
            Stream.flatMap(([, matches]) => Stream.fromIterable(matches)),
            Stream.map(({ id, score, metadata }) => ({ id, score, text: metadata?.text ?? "" })),
            Stream.runCollect,
            Effect.catchReason("PineconeError", "QuotaExhausted", ({ detail }) => new SearchClosed({ detail })),
            Effect.provide(context)
          )
      })
    })
  )
}

/** What the program runs on. The test takes `PineconeMemory.layer` in its place. */
export const live = NoteSearch.layer.pipe(Layer.provide(PineconeIndex.layerConfig))
