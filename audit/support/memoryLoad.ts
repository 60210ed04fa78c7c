/** A load that is watched for memory: streams many vectors through the real client, and tells how much memory the process has at each percent. */
import * as Outcome from "@effect-connectors/core/Outcome"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { below, chance } from "./chance.ts"
import { tell } from "../programs/program.ts"
import { layer } from "./load.ts"

export const Argument = Schema.Struct({
  host: Schema.String,
  seed: Schema.Int,
  records: Schema.Int,
  dimension: Schema.Int
})

/** Vectors are taken from a pool: what is measured is the pipeline, not the making of numbers. */
const pooled = 1_000

/** Tells how much memory the process has at each percent; a test may see the outcomes pass. */
export const load = Effect.fnUntraced(function* (
  { dimension, host, records, seed }: typeof Argument.Type,
  see: (outcomes: ReadonlyArray<unknown>) => void = () => {}
) {
  const pool = Array.from({ length: pooled }, (_, vector) =>
    Array.from({ length: dimension }, (_, at) => Math.round((chance(seed, vector, at) * 2 - 1) * 10_000) / 10_000)
  )
  const record = (n: number): VectorRecord => ({
    id: `vector-${n}`,
    values: pool[below(pooled, seed, n)]!,
    metadata: { n }
  })
  const one = Math.floor(records / 100)
  let left = one
  const counts = yield* Stream.iterate(0, (n) => n + 128)
    .pipe(
      Stream.takeWhile((from) => from < records),
      Stream.map((from) => Array.from({ length: Math.min(128, records - from) }, (_, at) => record(from + at))),
      Stream.flattenIterable,
      PineconeSink.upsertOutcomes({ maxRecords: 100 }),
      Stream.mapArrayEffect((outcomes) => {
        see(outcomes)
        left -= outcomes.length
        if (left > 0) return Effect.succeed(outcomes)
        left += one
        const { heapUsed, rss } = process.memoryUsage()
        return Effect.as(tell({ rss, heapUsed }), outcomes)
      }),
      Stream.run(Outcome.count)
    )
    .pipe(Effect.provide(layer(host)))
  yield* tell({ counts })
})
