/** A load of the corpus that can be killed and run again: what the loader program does. */
import * as DeadLetter from "@effect-connectors/core/DeadLetter"
import type * as Ledger from "@effect-connectors/core/Ledger"
import type * as Outcome from "@effect-connectors/core/Outcome"
import * as Resume from "@effect-connectors/core/Resume"
import type { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as VectorRecord from "@effect-connectors/pinecone/VectorRecord"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Config from "effect/Config"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as path from "node:path"
import * as Items from "./corpus.ts"

export const Corpus = Schema.Struct({
  seed: Schema.Int,
  records: Schema.Int,
  poisoned: Schema.Number,
  rewritten: Schema.Number,
  namespaces: Schema.Array(Schema.String)
})

export const Argument = Schema.Struct({
  host: Schema.String,
  /** Where ledger and dead letters are kept. */
  directory: Schema.String,
  corpus: Corpus,
  maxRecords: Schema.Int,
  concurrency: Schema.Int
})

export type Argument = typeof Argument.Type

/** What a load that came to its end tells. */
export const Told = Schema.Struct({ resumedAt: Schema.Int, skipped: Schema.Int, given: Schema.Int, done: Schema.Int })

type Entry = Resume.Entry<Items.Item>

type Failure = PineconeError | Ledger.LedgerError | DeadLetter.DeadLetterError
type Outcomes = Stream.Stream<Outcome.Outcome<Entry, PineconeError>, Failure, PineconeIndex>
type Kept = Stream.Stream<DeadLetter.Passed<Entry, PineconeError>, Failure, PineconeIndex>

/** The parts of a load that a test may break. */
export interface Parts {
  readonly write: (entries: Stream.Stream<Entry, Ledger.LedgerError>) => Outcomes
  readonly divert: (outcomes: Outcomes) => Kept
  readonly acknowledge: (kept: Kept) => Kept
}

export type Letters = DeadLetter.Store<VectorRecord.VectorRecord>

/** Makes the parts of one run. */
export type Make = (argument: Argument, run: Resume.Run, letters: Letters) => Parts

export const parts: Make = ({ concurrency, maxRecords }, run, letters) => ({
  write: PineconeSink.upsertOutcomes({
    record: ({ value }: Entry) => value.record,
    namespace: ({ value }: Entry) => value.namespace,
    maxRecords,
    concurrency,
    linger: "20 millis",
    retry: { base: "5 millis" }
  }),
  divert: DeadLetter.divert(letters, {
    record: ({ value }: Entry) => value.record,
    id: ({ position }) => String(position)
  }),
  acknowledge: run.acknowledge
})

/** Where the dead letters of a load are. */
export const lettersIn = (directory: string): string => path.join(directory, "dead.ndjson")

/** Loads what is not acknowledged yet. */
export const load = (argument: Argument, make: Make = parts) => {
  const { corpus, directory, host } = argument
  return Effect.gen(function* () {
    const run = yield* Resume.open({ kind: "load", host, index: "audit", run: "kill", input: JSON.stringify(corpus) })
    const letters = yield* DeadLetter.ndjson({ path: lettersIn(directory), record: VectorRecord.VectorRecord })
    const { acknowledge, divert, write } = make(argument, run, letters)
    yield* run
      .pending((from) => Stream.fromIterable(Items.items(corpus, from)).pipe(Stream.rechunk(64)))
      .pipe(write, divert, acknowledge, Stream.runDrain)
    return { resumedAt: run.resumedAt, ...(yield* run.counts) }
  }).pipe(
    Effect.provide(
      Layer.mergeAll(
        layer(host),
        KeyValueStore.layerFileSystem(path.join(directory, "ledger")).pipe(Layer.provideMerge(NodeServices.layer))
      )
    )
  )
}

/** The index, by the real client, with the key of the environment. */
export const layer = (host: string, timeout: Duration.Input = "10 seconds") =>
  Layer.unwrap(
    Effect.map(Config.Redacted("PINECONE_API_KEY"), (apiKey) => PineconeIndex.layer({ apiKey, host, timeout }))
  )
