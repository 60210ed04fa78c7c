/** One part of `core` at work on a stream, with a store that costs nothing. The setting `part` says which. */
import { Batch, type ConnectorError, Lookup, Outcome, Scan, Write } from "@effect-connectors/core"
import { RecordTooLarge, type Reason } from "@effect-connectors/core/ConnectorError"
import * as Arr from "effect/Array"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { contend } from "./contend.ts"

class StoreError
  extends Data.TaggedError("StoreError")<{ readonly reason: Reason }>
  implements ConnectorError.ConnectorError
{
  override get message(): string {
    return this.reason.message
  }
}

interface Small {
  readonly id: string
  readonly bytes: number
}

const target = { system: "nothing", operation: "nothing", collection: "nothing" }

const destination: Write.Destination<Small, Small, StoreError> = {
  target,
  limits: { maxRecords: 1000, maxBytes: 1_000_000, envelopeBytes: () => 20 },
  prepare: Arr.map((record): Write.Ready<Small, Small> => ({
    _tag: "Ready",
    input: record,
    item: record,
    key: "",
    id: record.id,
    bytes: record.bytes
  })),
  send: () => Effect.void,
  tooLarge: ({ bytes }, maxBytes) => new StoreError({ reason: new RecordTooLarge({ bytes, maxBytes }) })
}

const store: Lookup.Store<Small, string, StoreError> = {
  target,
  maxKeys: 1000,
  lookup: (keys) => Effect.succeed(keys.map(({ id }) => Result.succeed(id))),
  identity: ({ id }) => id,
  late: (reason) => new StoreError({ reason })
}

type Part = (records: ReadonlyArray<Small>, chunk: number) => Stream.Stream<unknown, StoreError>

const source: (...args: Parameters<Part>) => Stream.Stream<Small> = (records, chunkSize) =>
  Stream.fromIterable(records, { chunkSize })

const parts: Record<string, Part> = {
  stream: source,
  batcher: (records, chunk) =>
    source(records, chunk).pipe(
      Batch.batchedBy((record) => record.bytes & 1, {
        maxRecords: 100,
        maxBytes: 1_000_000,
        bytes: ({ bytes }) => bytes,
        linger: "1 second"
      })
    ),
  outcomes: (records, chunk) =>
    Stream.fromEffect(
      source(records, chunk).pipe(
        Stream.mapArray(Arr.map((record) => Outcome.written(record))),
        Outcome.requireWritten,
        Stream.runDrain,
        Effect.orDie
      )
    ),
  write: (records, chunk) => Write.written(destination)(source(records, chunk)).pipe(Stream.orDie),
  lookup: (records, chunk) => Lookup.rows(store, (record: Small) => Result.succeed(record))(source(records, chunk)),
  scan: (records, chunk) =>
    Scan.scan(
      {
        target,
        page: (_: "all", at: number | undefined) => {
          const from = at ?? 0
          const next = from + chunk < records.length ? from + chunk : undefined
          return Effect.succeed({ items: records.slice(from, from + chunk), next })
        }
      },
      ["all"]
    )
}

const most = 400_000
const all = Array.from({ length: most }, (_, i): Small => ({ id: `id-${i}`, bytes: 100 + (i % 50) }))

await contend(async ({ at, settings }) => {
  const part = parts[String(settings["part"])]
  if (part === undefined) return { unable: `there is no part ${settings["part"]}` }
  return {
    run: async (count) => {
      await Effect.runPromise(Stream.runDrain(part(all.slice(0, count), Number(at["chunk"]))))
    }
  }
})
