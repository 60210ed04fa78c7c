/**
 * Several loaders on one layer, so with one pacing, into one namespace, as fast as they may, until standard input says
 * that it is enough. Tells the bytes of one call first, and the outcomes at the end.
 */
import * as Drain from "@effect-connectors/core/Drain"
import * as Outcome from "@effect-connectors/core/Outcome"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { layer } from "../support/load.ts"
import { run, tell } from "./program.ts"

const Argument = Schema.Struct({
  host: Schema.String,
  namespace: Schema.String,
  loaders: Schema.Int,
  maxRecords: Schema.Int,
  /** Characters of text in each record. */
  text: Schema.Int
})

const enough = Effect.callback<void>((resume) => {
  process.stdin.once("data", () => resume(Effect.void))
})

run(
  Argument,
  Effect.fnUntraced(function* ({ host, loaders, maxRecords, namespace, text }) {
    const metadata = { text: "x".repeat(text) }
    const values = Float32Array.from({ length: 8 }, (_, at) => at + 1)
    /** Ids of one width, used again and again: what is measured is not how much the index can hold. */
    const record = (loader: number, n: number): VectorRecord => ({
      id: `${loader}-${(n % 1_000).toString().padStart(4, "0")}`,
      values,
      metadata
    })
    const load = (loader: number) =>
      Stream.iterate(0, (n) => n + 1).pipe(
        Stream.rechunk(maxRecords),
        Drain.endWhen(enough),
        Stream.map((n) => record(loader, n)),
        // The ids come again soon; to wait for each other is not what is measured.
        PineconeSink.upsertOutcomes({ namespace, maxRecords, ordered: false }),
        Stream.run(Outcome.count)
      )
    yield* Effect.gen(function* () {
      const { encode, limits } = yield* PineconeIndex
      yield* tell({
        bytesPerCall: limits.envelopeBytes(namespace) + maxRecords * encode(record(0, 0)).bytes
      })
      const counts = yield* Effect.forEach(Arr.range(0, loaders - 1), load, { concurrency: "unbounded" })
      yield* tell({
        written: counts.reduce((sum, { written }) => sum + written, 0),
        rejected: counts.reduce((sum, { rejected }) => sum + rejected, 0),
        unknown: counts.reduce((sum, { unknown }) => sum + unknown, 0)
      })
    }).pipe(Effect.provide(layer(host)))
  })
)
