/**
 * A file with one JSON record a line goes into an index, by a program that may be killed at any time and run again: a ledger
 * knows which lines are done. Lines that can not be written are kept as dead letters, to be tried again later.
 *
 * `npm run example:resumable-load -- records.ndjson state`, and with `--redrive` the dead letters in place of the file
 */
import { ConnectorError, DeadLetter, Outcome, Resume } from "@effect-connectors/core"
import { PineconeError, PineconeSink, VectorRecord } from "@effect-connectors/pinecone"
import { PineconeMemory } from "@effect-connectors/testkit"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Arr from "effect/Array"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import * as os from "node:os"
import * as path from "node:path"

interface Line {
  readonly text: string
  readonly record: VectorRecord.VectorRecord
}
type Entry = Resume.Entry<Line>

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(VectorRecord.VectorRecord))

/** An entry whose text was read, or the outcome of one that can not be. */
const read = ({ position, value: text }: Resume.Entry<string>) =>
  Result.mapBoth(decode(text), {
    onSuccess: (record): Entry => ({ position, value: { text, record } }),
    onFailure: ({ message: issue }) => {
      const reason = new ConnectorError.InvalidRecord({ field: "the line", issue })
      return Outcome.rejected({ position, value: { text } }, new PineconeError({ operation: "read", reason }), 0)
    }
  })

/** What is in a file, in few words: another content is another job. */
const fingerprint = (file: string) =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const hash = yield* Stream.runFold(
      files.stream(file),
      () => createHash("sha256"),
      (hash, bytes) => hash.update(bytes)
    )
    return hash.digest("hex").slice(0, 16)
  })

/** Letters hold the text of a line, so that a line that is no JSON is kept as well. */
export const openLetters = (state: string) =>
  DeadLetter.ndjson({ path: path.join(state, "dead-letters.ndjson"), record: Schema.String })

/** The ledger, as files in the same directory. */
export const layerLedger = (state: string) => KeyValueStore.layerFileSystem(path.join(state, "ledger"))

/** Loads what of a file is not done, and tells what became of it and how many lines were done before. */
export const load = Effect.fnUntraced(function* (file: string, state: string) {
  const files = yield* FileSystem.FileSystem
  const input = yield* fingerprint(file)
  const letters = yield* openLetters(state)
  const run = yield* Resume.open({ kind: "load", index: "fruits", run: path.basename(file), input })

  const lines = files.stream(file).pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.filter((text) => text.trim() !== "")
  )
  // Under its place in the file a line is kept once, also when it is kept a second time after a crash.
  const divert = DeadLetter.divert(letters, {
    record: (entry: Resume.Entry<{ readonly text: string }>) => entry.value.text,
    id: (entry: Resume.Entry<unknown>) => `${input}-${entry.position}`
  })

  yield* run.pending(lines).pipe(
    // A chunk of lines at a time: those that can not be read are done when they are kept, the others go on.
    Stream.mapArrayEffect((entries) => {
      const [good, bad] = Arr.partition(entries, read)
      return Effect.as(Stream.fromArray(bad).pipe(divert, run.acknowledge, Stream.runDrain), Arr.of(good))
    }),
    Stream.flattenIterable,
    PineconeSink.upsertOutcomes({ record: (entry: Entry) => entry.value.record }),
    divert,
    run.acknowledge,
    Stream.runDrain
  )
  const { done, skipped } = yield* run.counts
  return { done, skipped, kept: yield* Stream.runCount(letters.letters) }
})

/** Tries the dead letters again that can be read; those that are written now are removed. */
export const redrive = Effect.fnUntraced(function* (state: string) {
  const letters = yield* openLetters(state)
  const outcomes = yield* DeadLetter.redrive(letters).pipe(
    Stream.filterMap((letter) => Result.map(decode(letter.record), (record) => ({ letter, record }))),
    PineconeSink.upsertOutcomes({
      record: (read: { readonly letter: DeadLetter.DeadLetter<string>; readonly record: VectorRecord.VectorRecord }) =>
        read.record
    }),
    Stream.map((outcome) => ({ ...outcome, input: outcome.input.letter })),
    DeadLetter.settle(letters),
    Stream.runCollect
  )
  const written = outcomes.filter(({ _tag }) => _tag === "Written").length
  return { written, kept: yield* Stream.runCount(letters.letters) }
})

const sample = path.join(import.meta.dirname, "data", "fruits.ndjson")

const flags = {
  file: Argument.String("file").pipe(
    Argument.withDefault(sample),
    Argument.withDescription("A JSON record a line; by default a small sample")
  ),
  state: Argument.String("state").pipe(
    Argument.withDefault(path.join(os.tmpdir(), "resumable-load")),
    Argument.withDescription("The directory of the ledger and the dead letters; without it a load starts over")
  ),
  redrive: Flag.Boolean("redrive").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Try the dead letters again, in place of the file")
  )
}

const command = Command.make("resumable-load", flags, ({ file, redrive: isRedrive, state }) =>
  Effect.gen(function* () {
    if (isRedrive) {
      const { kept, written } = yield* redrive(state)
      return yield* Console.log(`${written} written now, ${kept} still kept`)
    }
    const { done, kept, skipped } = yield* load(file, state)
    yield* Console.log(`${skipped} lines were done before, ${done} now; dead letters: ${kept}, in ${state}`)
  }).pipe(Effect.provide(layerLedger(state)))
)

if (import.meta.main) {
  Command.run(command, { version: "0.0.0" }).pipe(
    // With PINECONE_API_KEY and PINECONE_INDEX set: PineconeIndex.layerConfig. An index in memory is gone with the program,
    // and the ledger is not.
    Effect.provide([PineconeMemory.layer, NodeServices.layer]),
    NodeRuntime.runMain
  )
}
