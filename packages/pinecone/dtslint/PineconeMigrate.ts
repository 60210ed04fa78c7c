/** What the types of comparison, export and migration promise; checked by the compiler, never run. */
import { DeadLetter, type Ledger } from "@effect-connectors/core"
import {
  compare,
  migrate,
  PineconeCompare,
  type PineconeError,
  PineconeExport,
  type PineconeIndex,
  PineconeMigrate,
  PineconeSource
} from "@effect-connectors/pinecone"
import type * as Effect from "effect/Effect"
import type { FileSystem } from "effect/FileSystem"
import type { KeyValueStore } from "effect/persistence/KeyValueStore"
import type { PlatformError } from "effect/PlatformError"
import type * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"

declare const index: PineconeIndex["Service"]
declare const side: PineconeCompare.Side<"broken", "Source">
declare const letters: DeadLetter.Store<PineconeSource.Scanned>

// A service needs nothing more; a file needs the file system; a side may be any sorted stream of records.
expectTypeOf(PineconeCompare.index(index)).toEqualTypeOf<Stream.Stream<PineconeSource.Scanned, PineconeError>>()
expectTypeOf(compare(side, PineconeExport.read("a.ndjson"))).toEqualTypeOf<
  Stream.Stream<PineconeCompare.Difference, "broken" | PineconeError | PlatformError, "Source" | FileSystem>
>()
expectTypeOf(side.pipe(PineconeCompare.summarize(PineconeCompare.index(index), { tolerance: 1e-6 }))).toEqualTypeOf<
  Effect.Effect<PineconeCompare.Summary, "broken" | PineconeError, "Source">
>()

// @ts-expect-error: a side has namespaces
compare(side, PineconeSource.list())

// An export says where it keeps its progress, what it reads and where it writes.
expectTypeOf(PineconeExport.toFile({ path: "a.ndjson", run: "1" })).toEqualTypeOf<
  Effect.Effect<
    PineconeExport.Report,
    PineconeError | Ledger.LedgerError | PlatformError,
    PineconeIndex | FileSystem | KeyValueStore
  >
>()

// @ts-expect-error: which run it is is never left to a default
export const noRun = PineconeExport.toFile({ path: "a.ndjson" })

// A copy that is not whole is a failure that can not be overlooked.
expectTypeOf(migrate({ from: index, to: index, run: "1" })).toEqualTypeOf<
  Effect.Effect<PineconeMigrate.Report, PineconeError | Ledger.LedgerError | PineconeMigrate.NotMigrated, KeyValueStore>
>()

// Dead letters bring the failures of their store.
expectTypeOf(
  PineconeMigrate.migrate({
    from: index,
    to: index,
    run: "1",
    deadLetters: DeadLetter.divert(letters, { record: ({ value }: PineconeMigrate.Item) => value })
  })
).toEqualTypeOf<
  Effect.Effect<
    PineconeMigrate.Report,
    PineconeError | Ledger.LedgerError | PineconeMigrate.NotMigrated | DeadLetter.DeadLetterError,
    KeyValueStore
  >
>()
