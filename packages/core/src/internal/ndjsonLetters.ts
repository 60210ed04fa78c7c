import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { NdjsonOptions } from "../DeadLetter.ts"
import {
  type Codec,
  DeadLetterError,
  LetterTooLarge,
  makeCodec,
  type Store,
  Stored,
  type StoreFailed,
  storeFailed,
  StoreFull
} from "./letter.ts"
import { FileSystem, type PlatformError } from "./persistence.ts"

/** A line that takes letters away again. */
const Removed = Schema.Struct({ removed: Schema.Array(Schema.String) })
type Line = Stored | typeof Removed.Type

const parse: (text: string) => Option.Option<Line> = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Union([Removed, Stored]))
)

/** Ids that one line removes. */
const idsInLine = 100

const newline = 10
const encoder = new TextEncoder()

/** What the file holds, without the records. */
interface Index {
  /** Of each letter that is not removed: the line that holds its latest version. */
  readonly alive: Map<string, number>
  lines: number
  /** Bytes of whole lines; what is after them is left of a write that never completed. */
  bytes: number
  /** The last line has no end yet. */
  open: boolean
}

/**
 * A file of lines that is only appended to: letters, later versions of them, and what was removed. It is written anew
 * without what is gone when that is most of it, beside the old file, which the new one then replaces.
 */
export const make = Effect.fnUntraced(function* <A>(
  options: NdjsonOptions<A>
): Effect.fn.Return<Store<A>, DeadLetterError, FileSystem> {
  const { path } = options
  const maxLetters = options.maxLetters ?? 1_000_000
  const maxLineBytes = options.maxLineBytes ?? 16_777_216
  const files = yield* FileSystem
  const codec: Codec<A> = makeCodec(options.record)
  const failed = (during: StoreFailed["during"]) => storeFailed(path, during)
  const oneAtATime = yield* Semaphore.make(1)
  let readers = 0

  const lines: Lines = (bytes, end = { after: 0 }) =>
    bytes === 0
      ? Stream.empty
      : files
          .stream(path, { bytesToRead: bytes })
          .pipe(
            Stream.mapEffect(bounded(maxLineBytes, path, end)),
            Stream.decodeText,
            Stream.splitLines,
            Stream.zipWithIndex
          )

  const size = yield* Effect.mapError(sizeOf(files, path), failed("open"))
  let index = yield* Effect.mapError(scan(lines, size), asOurs(failed("open")))
  // Something is on disk after the whole lines.
  let torn = size > index.bytes

  /** Appends lines and waits until they are on disk. */
  const append = (texts: ReadonlyArray<string>) =>
    Effect.suspend(() => {
      const bytes = encoder.encode(`${index.open ? "\n" : ""}${texts.join("\n")}\n`)
      const mended = torn ? files.truncate(path, index.bytes) : Effect.void
      torn = true
      return Effect.andThen(
        mended,
        Effect.scoped(
          Effect.flatMap(files.open(path, { flag: "a" }), (file) => Effect.andThen(file.writeAll(bytes), file.sync))
        )
      ).pipe(
        Effect.map(() => {
          torn = false
          index.open = false
          index.bytes += bytes.length
          index.lines += texts.length
        })
      )
    })

  const rewrite = Effect.gen(function* () {
    const beside = `${path}.new`
    const next: Index = { alive: new Map(), lines: 0, bytes: 0, open: false }
    yield* Effect.scoped(
      Effect.gen(function* () {
        const file = yield* files.open(beside, { flag: "w" })
        yield* lines(index.bytes).pipe(
          Stream.runForEachArray((chunk) => {
            const kept: Array<string> = []
            for (const [text, at] of chunk) {
              const line = parse(text)
              if (Option.isSome(line) && !isLatest(index, line.value, at)) continue
              if (Option.isSome(line) && "id" in line.value) next.alive.set(line.value.id, next.lines)
              next.lines++
              kept.push(`${text}\n`)
            }
            const bytes = encoder.encode(kept.join(""))
            next.bytes += bytes.length
            return file.writeAll(bytes)
          })
        )
        yield* file.sync
      })
    )
    yield* files.rename(beside, path)
    index = next
    torn = false
  })

  const tidy = Effect.suspend(() => {
    const gone = index.lines - index.alive.size
    const due = index.alive.size === 0 ? gone > 0 : gone > Math.max(1_000, index.alive.size)
    return due && readers === 0 ? rewrite : Effect.void
  })

  // To be stopped in the middle would only leave more to mend.
  const exclusively = <X>(during: StoreFailed["during"], effect: Effect.Effect<X, PlatformError | DeadLetterError>) =>
    oneAtATime.withPermit(Effect.uninterruptible(Effect.mapError(effect, asOurs(failed(during)))))

  yield* exclusively("open", tidy)

  const add = Effect.fnUntraced(function* (letters: Parameters<Store<A>["write"]>[0]) {
    const texts = Arr.map(letters, (letter) => JSON.stringify(codec.encode(letter)))
    for (const [i, text] of texts.entries()) {
      // A unit of text takes at most three bytes.
      if (text.length * 3 <= maxLineBytes) continue
      const bytes = encoder.encode(text).length
      if (bytes <= maxLineBytes) continue
      const reason = new LetterTooLarge({ id: letters[i]!.id, bytes, max: maxLineBytes })
      return yield* new DeadLetterError({ store: path, reason })
    }
    const added = new Set(letters.flatMap(({ id }) => (index.alive.has(id) ? [] : [id]))).size
    if (index.alive.size + added > maxLetters) {
      return yield* new DeadLetterError({ store: path, reason: new StoreFull({ max: maxLetters }) })
    }
    const first = index.lines
    yield* append(texts)
    for (const [i, { id }] of letters.entries()) index.alive.set(id, first + i)
    yield* tidy
  })

  const drop = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
    const removed = ids.filter((id) => index.alive.has(id))
    if (removed.length > 0) {
      yield* append(Arr.chunksOf(removed, idsInLine).map((removed) => JSON.stringify({ removed })))
      for (const id of removed) index.alive.delete(id)
    }
    yield* tidy
  })

  return {
    write: (letters) => exclusively("write", add(letters)),
    remove: (ids) => exclusively("remove", drop(ids)),
    letters: Stream.unwrap(
      Effect.map(
        // While somebody reads, lines keep their places.
        Effect.acquireRelease(
          oneAtATime.withPermit(
            Effect.sync(() => {
              readers++
              return index.bytes
            })
          ),
          // Should that fail, whoever opens the file does it.
          () =>
            Effect.ignore(
              exclusively(
                "remove",
                Effect.andThen(
                  Effect.sync(() => readers--),
                  tidy
                )
              )
            )
        ),
        (bytes) =>
          lines(bytes).pipe(
            Stream.mapArrayEffect((chunk) => {
              const damaged: Array<number> = []
              const letters = chunk.flatMap(([text, at]) => {
                const line = parse(text)
                if (Option.isNone(line)) damaged.push(at + 1)
                return Option.isSome(line) && "id" in line.value && isLatest(index, line.value, at)
                  ? [codec.decode(line.value)]
                  : []
              })
              const told =
                damaged.length === 0
                  ? Effect.void
                  : Effect.logWarning(
                      `${path} holds lines that are no letters, and they are left alone: ${damaged.join()}`
                    )
              return Effect.as(told, Arr.of(letters))
            }),
            Stream.flattenIterable,
            Stream.mapError(asOurs(failed("read")))
          )
      )
    )
  }
})

const isLatest = (index: Index, line: Line, at: number): boolean => "id" in line && index.alive.get(line.id) === at

/**
 * Reads the whole file. A last line without an end is a letter if it can be read; else it was never completed, and is not
 * part of the file.
 */
const scan = (lines: Lines, bytes: number): Effect.Effect<Index, DeadLetterError | PlatformError> =>
  Effect.suspend(() => {
    const index: Index = { alive: new Map(), lines: 0, bytes, open: false }
    const end = { after: 0 }
    let readable = true
    const take = (text: string, at: number) => {
      const line = Option.getOrUndefined(parse(text))
      if (line !== undefined && "id" in line) index.alive.set(line.id, at)
      else for (const id of line?.removed ?? []) index.alive.delete(id)
      readable = line !== undefined
      index.lines = at + 1
    }
    const read = Stream.runForEachArray(lines(bytes, end), (chunk) =>
      Effect.sync(() => {
        for (const [text, at] of chunk) take(text, at)
      })
    )
    return Effect.flatMap(read, () => {
      if (end.after > 0 && !readable) return scan(lines, bytes - end.after)
      index.open = end.after > 0
      return Effect.succeed(index)
    })
  })

const sizeOf = (files: FileSystem, path: string): Effect.Effect<number, PlatformError> =>
  files.stat(path).pipe(
    Effect.map(({ size }) => Number(size)),
    Effect.catchReason("PlatformError", "NotFound", () => Effect.succeed(0))
  )

/** How many bytes there are after the last end of a line. */
interface End {
  after: number
}

/** The first bytes of the file as lines. */
type Lines = (bytes: number, end?: End) => Stream.Stream<[string, number], DeadLetterError | PlatformError>

/** Fails at a line that is longer than any that was written, before it fills the memory. */
const bounded = (max: number, path: string, end: End) => (bytes: Uint8Array) => {
  const first = bytes.indexOf(newline)
  const length = end.after + (first < 0 ? bytes.length : first)
  end.after = first < 0 ? length : bytes.length - 1 - bytes.lastIndexOf(newline)
  return length <= max
    ? Effect.succeed(bytes)
    : Effect.fail(new DeadLetterError({ store: path, reason: new LetterTooLarge({ id: "?", bytes: length, max }) }))
}

const asOurs =
  (failed: (error: PlatformError) => DeadLetterError) =>
  (error: PlatformError | DeadLetterError): DeadLetterError =>
    error._tag === "PlatformError" ? failed(error) : error
