/**
 * The job of `npm run example:cluster`: the definitions of WordNet go into an index with their vectors, by partitions of some
 * thousand texts.
 */
import { Job, Partition } from "@effect-connectors/cluster"
import { Outcome, type Resume } from "@effect-connectors/core"
import { PineconeSink, type VectorRecord } from "@effect-connectors/pinecone"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Corpora from "../demo/corpora.ts"
import * as Glove from "../demo/glove.ts"

/** The texts as records. A process reads them once, and all its partitions use them. */
export class Texts extends Context.Service<
  Texts,
  {
    readonly count: number
    readonly records: (from: number, to: number) => Stream.Stream<VectorRecord.VectorRecord>
  }
>()("@effect-connectors/examples/cluster/Texts") {
  /** The first `limit` texts of WordNet. */
  static readonly layer = (limit: number) =>
    Layer.effect(
      Texts,
      Effect.gen(function* () {
        const { texts } = Corpora.take(yield* Corpora.wordnet, limit)
        const glove = yield* Glove.load
        return {
          count: texts.length,
          records: (from, to) =>
            Stream.fromIterable(texts.slice(from, to), { chunkSize: 500 }).pipe(
              Stream.map(({ id, metadata, text }) => ({
                id,
                values: Glove.encode(glove, text),
                metadata: { ...metadata, text }
              }))
            )
        }
      })
    )
}

/** Texts of WordNet by their places. */
export const Range = Schema.Struct({ from: Schema.Int, to: Schema.Int })

/** Cuts so many texts into partitions of at most `size`. */
export const ranges = (count: number, size: number): ReadonlyArray<typeof Range.Type> =>
  Array.from({ length: Math.ceil(count / size) }, (_, i) => ({ from: i * size, to: Math.min((i + 1) * size, count) }))

export const load = Job.make({
  name: "load-wordnet",
  partitions: Range,
  key: ({ from, to }) => `${from}-${to}`,
  run: ({ from, to }) =>
    Effect.gen(function* () {
      const { records } = yield* Texts
      const run = yield* Partition.resume()
      yield* run
        .pending((done) => records(from + done, to))
        .pipe(
          PineconeSink.upsertOutcomes({ record: (entry: Resume.Entry<VectorRecord.VectorRecord>) => entry.value }),
          run.acknowledge,
          Partition.track,
          Outcome.requireWritten,
          Stream.runDrain
        )
    })
})
