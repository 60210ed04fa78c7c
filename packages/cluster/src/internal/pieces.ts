/**
 * A file that a partition writes, and goes on with on another runner. Each attempt writes a piece of its own, so that of two
 * runners that both believe to have the partition none spoils what the other writes; the ledger says how many bytes of each
 * piece count. The file gets its name when it is whole.
 */
import * as Ledger from "@effect-connectors/core/Ledger"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Partition } from "../Partition.ts"
import type { KeyValueStore } from "./effectCluster.ts"
import { badFile, type FileError } from "./fileError.ts"
import { directoryOf } from "./fileName.ts"
import { FileSystem, type PlatformError } from "./files.ts"

/** Up to where the file is written. */
interface Checkpoint<S> {
  readonly pieces: ReadonlyArray<{ readonly file: string; readonly bytes: number }>
  /** Nothing follows. */
  readonly done: boolean
  readonly state: S
}

export interface Pieces<S> {
  /** Where to go on. */
  readonly reached: S
  /** Nothing follows. */
  readonly isDone: boolean
  /** Writes text, and then keeps how far the partition has come with it. */
  readonly append: (text: string, state: S) => Effect.Effect<void, Ledger.LedgerError | PlatformError>
  /** Makes the file of its pieces. */
  readonly finish: Effect.Effect<void, Ledger.LedgerError | PlatformError | FileError>
}

export const open = Effect.fnUntraced(function* <S>(
  whole: string,
  kind: string,
  schema: Schema.Codec<S, Schema.Json>,
  initial: S
): Effect.fn.Return<
  Pieces<S>,
  Ledger.LedgerError | PlatformError,
  Partition | KeyValueStore.KeyValueStore | FileSystem | Scope.Scope
> {
  const files = yield* FileSystem
  const partition = yield* Partition
  const start: Checkpoint<S> = { pieces: [], done: false, state: initial }
  const ledger = yield* Ledger.open({
    job: { kind, index: partition.job, run: partition.id, split: partition.key, input: whole },
    checkpoint: Schema.Struct({
      pieces: Schema.Array(Schema.Struct({ file: Schema.String, bytes: Schema.Int })),
      done: Schema.Boolean,
      state: schema
    }),
    initial: start
  })
  const sizeOf = (file: string) =>
    files.stat(file).pipe(
      Effect.map(({ size }) => Number(size)),
      Effect.catchReason("PlatformError", "NotFound", () => Effect.succeed(0))
    )
  yield* files.makeDirectory(directoryOf(whole), { recursive: true })

  const isThere = ledger.current.done && (yield* files.exists(whole))
  const sizes = yield* Effect.forEach(ledger.current.pieces, ({ file }) => sizeOf(file))
  const isKept = isThere || ledger.current.pieces.every(({ bytes }, i) => sizes[i]! >= bytes)
  if (!isKept)
    yield* Effect.logWarning(`What was written of ${whole} before is not on this machine: it is written anew`)
  let now = isKept ? ledger.current : start

  const pieceOf = (attempt: number) => `${whole}.${attempt}.part`
  const copyOf = (attempt: number) => `${whole}.${attempt}.whole`
  const own = pieceOf(partition.attempt)
  const file = now.done ? undefined : yield* files.open(own, { flag: "w" })
  const before = now.pieces
  let bytes = 0

  const save = (checkpoint: Checkpoint<S>) =>
    Effect.map(ledger.save(checkpoint), () => {
      now = checkpoint
    })

  const assembled = Effect.gen(function* () {
    const [first, ...others] = now.pieces
    if (first?.file === own && others.length === 0) return own
    // Who wrote another piece may still write to it.
    const copy = copyOf(partition.attempt)
    yield* Effect.scoped(
      Effect.gen(function* () {
        const target = yield* files.open(copy, { flag: "w" })
        for (const piece of now.pieces) {
          yield* Stream.runForEach(
            files.stream(piece.file, { bytesToRead: piece.bytes, chunkSize: 1_048_576 }),
            (chunk) => target.writeAll(chunk)
          )
        }
        yield* target.sync
      })
    )
    const [size, expected] = [yield* sizeOf(copy), now.pieces.reduce((sum, { bytes }) => sum + bytes, 0)]
    if (size !== expected) {
      return yield* badFile("write", whole, `has pieces of ${size} bytes, and ${expected} were written; run it again`)
    }
    return copy
  })

  return {
    reached: now.state,
    isDone: now.done,
    append: (text, state) =>
      Effect.gen(function* () {
        if (text !== "" && file !== undefined) {
          const encoded = new TextEncoder().encode(text)
          yield* file.writeAll(encoded)
          yield* file.sync
          bytes += encoded.length
        }
        const pieces = bytes === 0 ? before : [...before, { file: own, bytes }]
        yield* save({ pieces, done: false, state })
      }),
    finish: Effect.gen(function* () {
      if (isThere) return
      // Only the last attempt can store this, so nobody else makes the file, or removes pieces that are needed.
      if (!now.done) yield* save({ ...now, done: true })
      yield* files.rename(yield* assembled, whole)
      const left = Array.from({ length: partition.attempt }, (_, i) => [pieceOf(i + 1), copyOf(i + 1)]).flat()
      yield* Effect.forEach(left, (file) => Effect.ignore(files.remove(file, { force: true })), { discard: true })
    })
  }
})
