/** What every section of the suite works with: a declared index, a ground of the test's own, and documents to put there. */
import * as DocumentIndex from "@effect-connectors/pinecone/DocumentIndex"
import { PineconeDocumentIndex, type Service } from "@effect-connectors/pinecone/PineconeDocumentIndex"
import * as PineconeDocuments from "@effect-connectors/pinecone/PineconeDocuments"
import { assert } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type Ground, holds, onGround } from "../conformance/ground.ts"
import { allWritten } from "../conformance/outcomes.ts"

/** The index that the suite runs on. */
export const articles = DocumentIndex.make({
  title: DocumentIndex.text(),
  body: DocumentIndex.optional(DocumentIndex.text()),
  dense: DocumentIndex.optional(DocumentIndex.dense({ dimension: 2, metric: "cosine" })),
  sparse: DocumentIndex.optional(DocumentIndex.sparse()),
  year: Schema.optionalKey(Schema.Int),
  tags: Schema.optionalKey(Schema.Array(Schema.String))
})

export type Article = DocumentIndex.DocumentOf<typeof articles>
type Fields = NonNullable<typeof articles.fields>
export type Change = DocumentIndex.Change<Fields>

/** The suite's options, complete. */
export interface Settings {
  /** How long a write may take to be readable; zero when it is at once. */
  readonly eventually: Duration.Duration
  readonly live: boolean
}

/** What a test is given. */
export interface Bench extends Settings, Ground {
  readonly index: Service
}

/** Registers a test. */
export type Test = (
  name: string,
  body: (bench: Bench) => Effect.Effect<unknown, unknown, PineconeDocumentIndex>
) => void

/** Runs a test. */
export const onBench = <A, E, R>(settings: Settings, body: (bench: Bench) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(PineconeDocumentIndex, (index) =>
    onGround(index, settings.eventually, (ground) => body({ ...settings, ...ground, index }))
  )

/** Documents that differ in all they are found by. */
export const some: ReadonlyArray<Article> = [
  {
    _id: "a",
    title: "Red shoes",
    body: "Shoes for running in the rain",
    dense: [1, 0],
    sparse: { indices: [1, 7], values: [0.5, 2] },
    year: 2024,
    tags: ["sport", "rain"]
  },
  { _id: "b", title: "Blue shoes", body: "A walk on dry ground", dense: [0.6, 0.8], year: 2020 },
  { _id: "c", title: "Umbrella", body: "Against the rain", sparse: { indices: [7], values: [1] }, tags: [] },
  { _id: "d", title: "Red wine", dense: [0, -1], year: 2022 }
]

/** Documents `id-0000`, `id-0001`, ... numbered by their year. */
export const many = (count: number, prefix = "id"): ReadonlyArray<Article> =>
  Array.from({ length: count }, (_, n) => ({
    _id: `${prefix}-${String(n).padStart(4, "0")}`,
    title: `number ${n}`,
    dense: [1, n],
    year: n
  }))

interface Vectors {
  readonly dense?: Article["dense"] | undefined
  readonly sparse?: Article["sparse"] | undefined
}

/** A document as plain data, its vectors as lists. */
export const plain = <D extends Vectors>({ dense, sparse, ...rest }: D) => ({
  ...rest,
  ...(dense && { dense: Array.from(Float32Array.from(dense)) }),
  ...(sparse && {
    sparse: { indices: Array.from(sparse.indices), values: Array.from(Float32Array.from(sparse.values)) }
  })
})

/** What is stored under an id. */
export const stored = ({ namespace }: Bench, id: string) =>
  Stream.make(id).pipe(
    PineconeDocuments.fetch(articles, { namespace }),
    Stream.runHead,
    Effect.map((row) => Option.flatMap(row, ([, document]) => document))
  )

/** Checks that a document is stored just so. */
export const becomes = (bench: Bench, document: Article) =>
  bench.soon(
    Effect.map(stored(bench, document._id), (found) => {
      assert(Option.isSome(found), `document ${document._id} is not stored`)
      assert.deepStrictEqual(plain(found.value), plain(document))
    })
  )

/** Checks that nothing is stored under an id. */
export const isGone = (bench: Bench, id: string) =>
  bench.soon(Effect.map(stored(bench, id), (found) => assert.isTrue(Option.isNone(found), `document ${id}`)))

/** Stores documents, and waits until the index counts them. */
export const store = (bench: Bench, documents: ReadonlyArray<Article> = some) =>
  Effect.andThen(
    allWritten(documents, PineconeDocuments.upsertOutcomes(articles, { namespace: bench.namespace })),
    holds(bench, documents.length)
  )
