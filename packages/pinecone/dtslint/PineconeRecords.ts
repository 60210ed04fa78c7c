/** What the types of texts and of embedding promise; checked by the compiler, never run. */
import {
  Embedding,
  type PineconeError,
  type PineconeIndex,
  PineconeRecordIndex,
  PineconeRecords,
  PineconeSink
} from "@effect-connectors/pinecone"
import type { Hit } from "@effect-connectors/pinecone/RecordsApi"
import type { Values } from "@effect-connectors/pinecone/VectorRecord"
import type { EmbeddingModel } from "effect/ai"
import type * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"

interface Page {
  readonly url: string
  readonly body: string
}
declare const pages: Stream.Stream<Page>

// Who embeds is the layer's choice: a program needs the same service either way.
expectTypeOf(
  pages.pipe(PineconeRecords.upsertOutcomes({ record: (page: Page) => ({ _id: page.url, text: page.body }) }))
).toEqualTypeOf<PineconeRecords.Outcomes<Page, never, never>>()
expectTypeOf(PineconeRecordIndex.layerEmbedding({ textField: "text" })).toEqualTypeOf<
  Layer.Layer<PineconeRecordIndex, PineconeError, PineconeIndex | EmbeddingModel.EmbeddingModel>
>()
// @ts-expect-error: a page is no record
void pages.pipe(PineconeRecords.upsert())
// @ts-expect-error: a record is flat
void pages.pipe(PineconeRecords.upsert({ record: (page: Page) => ({ _id: page.url, nested: { text: page.body } }) }))
expectTypeOf(pages.pipe(PineconeRecords.search({ by: ({ body }: Page) => ({ text: body }), topK: 1 }))).toEqualTypeOf<
  Stream.Stream<[Page, ReadonlyArray<Hit>], PineconeError, PineconeRecordIndex>
>()
// @ts-expect-error: nothing to ask with
void pages.pipe(PineconeRecords.search({ by: () => ({}), topK: 1 }))

// Embedding is a step; what fails in it is an outcome of the sink.
const embedded = pages.pipe(Embedding.results({ text: (page: Page) => page.body }))
expectTypeOf(embedded).toEqualTypeOf<
  Stream.Stream<[Page, Result.Result<Values, PineconeError>], PineconeError, EmbeddingModel.EmbeddingModel>
>()
expectTypeOf(
  embedded.pipe(
    PineconeSink.upsertOutcomes({
      record: ([{ url }, vector]) => Result.map(vector, (values) => ({ id: url, values }))
    })
  )
).toEqualTypeOf<
  PineconeSink.Outcomes<[Page, Result.Result<Values, PineconeError>], PineconeError, EmbeddingModel.EmbeddingModel>
>()
// @ts-expect-error: the vector may not be there
void embedded.pipe(PineconeSink.upsert({ record: ([{ url }, values]) => ({ id: url, values }) }))
