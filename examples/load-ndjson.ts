/**
 * The commonest job: a file with one JSON record a line goes into an index. Lines that can not be used are kept in a
 * second file, each with its number, its text and what is wrong with it, and the others are written.
 *
 * `npm run example:load-ndjson -- records.ndjson rejected.ndjson`
 */
import { Outcome } from "@effect-connectors/core"
import { PineconeSink, VectorRecord } from "@effect-connectors/pinecone"
import { PineconeMemory } from "@effect-connectors/testkit"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Arr from "effect/Array"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as os from "node:os"
import * as path from "node:path"

interface Line {
  readonly number: number
  readonly text: string
  readonly record: VectorRecord.VectorRecord
}

/** A line that was not written. */
interface Kept {
  readonly line: number
  /** `Rejected` lines need mending, `Unknown` ones may be stored and can be loaded again as they are. */
  readonly outcome: "Rejected" | "Unknown"
  readonly error: string
  readonly text: string
}

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(VectorRecord.VectorRecord))

/** Never throws: bad JSON is a value too. */
const parse = ([text, at]: [string, number]): Result.Result<Line, Kept> =>
  Result.mapBoth(decode(text), {
    onSuccess: (record) => ({ number: at + 1, text, record }),
    onFailure: ({ message: error }) => ({ line: at + 1, outcome: "Rejected", error, text })
  })

/** Loads a file and tells how many lines were written and how many kept in the file `rejected`. */
export const load = Effect.fnUntraced(function* (file: string, rejected: string) {
  const files = yield* FileSystem.FileSystem
  yield* files.writeFileString(rejected, "")
  let lines = 0
  let kept = 0
  const keep = (bad: ReadonlyArray<Kept>) => {
    kept += bad.length
    return files.writeFileString(rejected, bad.map((line) => `${JSON.stringify(line)}\n`).join(""), { flag: "a" })
  }
  const written = yield* files.stream(file).pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.zipWithIndex,
    Stream.filter(([text]) => text.trim() !== ""),
    // A chunk of lines at a time: what can not be read is kept, the others go on.
    Stream.mapArrayEffect((chunk) => {
      lines += chunk.length
      const [good, bad] = Arr.partition(chunk, parse)
      return Effect.as(bad.length === 0 ? Effect.void : keep(bad), Arr.of(good))
    }),
    Stream.flattenIterable,
    PineconeSink.upsertOutcomes({ record: (line: Line) => line.record }),
    // What the index refuses is kept as well, and only what was written passes.
    Outcome.divert((refused) =>
      keep(
        refused.map(({ _tag, error, input: { number, text } }) => ({
          line: number,
          outcome: _tag,
          error: error.message,
          text
        }))
      )
    ),
    Stream.runCount
  )
  return { lines, written, kept }
})

if (import.meta.main) {
  const sample = path.join(import.meta.dirname, "data", "fruits.ndjson")
  const [file = sample, rejected = path.join(os.tmpdir(), "rejected.ndjson")] = process.argv.slice(2)
  load(file, rejected).pipe(
    Effect.flatMap(({ kept, lines, written }) =>
      Console.log(`${lines} lines: ${written} written, ${kept} kept in ${rejected}`)
    ),
    // With PINECONE_API_KEY and PINECONE_INDEX set: PineconeIndex.layerConfig
    Effect.provide([PineconeMemory.layer, NodeFileSystem.layer]),
    NodeRuntime.runMain
  )
}
