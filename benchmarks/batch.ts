/**
 * What the batcher costs a record: a stream of a million small records through it, beside the same
 * stream without it, in turn, in one process.
 *
 * `node --conditions=@effect-connectors/source benchmarks/batch.ts [--json]`
 */
import * as Batch from "@effect-connectors/core/Batch"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

const rounds = 7
const records = Array.from({ length: 1_000_000 }, (_, i) => ({ id: `id-${i}`, bytes: 100 + (i % 50) }))
type Record = (typeof records)[number]

const source = (chunkSize: number, length: number) => Stream.fromIterable(records.slice(0, length), { chunkSize })

const batcher = Batch.batchedBy((record: Record) => record.bytes & 1, {
  maxRecords: 100,
  maxBytes: 1_000_000,
  bytes: (record) => record.bytes,
  linger: "1 second"
})

const timed = async (stream: Stream.Stream<unknown>): Promise<number> => {
  const start = performance.now()
  await Effect.runPromise(Stream.runDrain(stream))
  return performance.now() - start
}

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN

const rows: Array<{ chunkSize: number; records: number; addedMicros: number; min: number; max: number }> = []
for (const [chunkSize, length] of [
  [4096, 1_000_000],
  [100, 1_000_000],
  [10, 1_000_000],
  [1, 100_000]
] as const) {
  const added: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    const without = await timed(source(chunkSize, length))
    const within = await timed(source(chunkSize, length).pipe(batcher))
    added.push(((within - without) * 1000) / length)
  }
  rows.push({
    chunkSize,
    records: length,
    addedMicros: median(added),
    min: Math.min(...added),
    max: Math.max(...added)
  })
}

if (process.argv.includes("--json")) {
  console.log(JSON.stringify({ suite: "batch", node: process.version, rounds, rows }))
} else {
  console.log("records a chunk   added time a record, us: median (min to max)")
  for (const row of rows) {
    console.log(
      `${String(row.chunkSize).padStart(15)}   ${row.addedMicros.toFixed(3)} (${row.min.toFixed(3)} to ${row.max.toFixed(3)})`
    )
  }
}
