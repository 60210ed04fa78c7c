import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { KeyValueOptions } from "../DeadLetter.ts"
import { digest } from "./digest.ts"
import { makeCodec, type Store, Stored, storeFailed } from "./letter.ts"
import { KeyValueStore } from "./persistence.ts"
import * as Slot from "./slot.ts"

const parse = Schema.decodeUnknownOption(Schema.fromJsonString(Stored))

const read = (text: string | undefined): Stored | undefined =>
  text === undefined ? undefined : Option.getOrUndefined(Option.flatMap(Slot.read(text), parse))

/** Entries written at a time. */
const concurrency = 16

/**
 * An entry for each letter. Stores need not write all or nothing, so a later version of a letter is written beside the one
 * before, which is removed when the new one is there.
 */
export const make = Effect.fnUntraced(function* <A>(
  options: KeyValueOptions<A>
): Effect.fn.Return<Store<A>, never, KeyValueStore> {
  const store = yield* KeyValueStore
  const codec = makeCodec(options.record)
  const failed = (during: "read" | "write" | "remove") => Effect.mapError(storeFailed(options.name, during))
  const prefix = `letters.${Slot.slug(options.name)}.${digest(options.name)}.`
  const keyOf = (id: string) => `${prefix}${/^[0-9a-z-]{1,64}$/.test(id) ? id : `${Slot.slug(id)}.${digest(id)}`}`

  // Two versions of one letter may not be written side by side.
  const oneAtATime = yield* Semaphore.make(1)

  const letterAt = Effect.fnUntraced(function* (key: string) {
    const [a, b] = yield* Effect.all([store.get(`${key}.a`), store.get(`${key}.b`)])
    const [inA, inB] = [read(a), read(b)]
    if (inA === undefined && inB === undefined && (a !== undefined || b !== undefined)) {
      yield* Effect.logWarning(`The entry ${key} is no letter, and is left alone`)
    }
    // Both are there when writing the later one was the last thing that happened.
    return inA === undefined || (inB !== undefined && inB.attempts > inA.attempts) ? inB : inA
  })

  return {
    write: (letters) =>
      Effect.forEach(
        new Map(letters.map((letter) => [letter.id, letter])).values(),
        Effect.fnUntraced(function* (letter) {
          const key = keyOf(letter.id)
          const before = read(yield* store.get(`${key}.a`)) === undefined ? "b" : "a"
          const text = Slot.render(JSON.stringify(codec.encode(letter)))
          yield* store.set(`${key}.${before === "a" ? "b" : "a"}`, text)
          yield* store.remove(`${key}.${before}`)
        }),
        { concurrency, discard: true }
      ).pipe((all) => oneAtATime.withPermit(all), failed("write")),
    remove: (ids) =>
      Effect.forEach(ids, (id) => Effect.andThen(store.remove(`${keyOf(id)}.a`), store.remove(`${keyOf(id)}.b`)), {
        concurrency,
        discard: true
      }).pipe((all) => oneAtATime.withPermit(all), failed("remove")),
    letters: Stream.unwrap(
      Effect.map(store.keys, (keys) => {
        const own = keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(0, -2))
        return Stream.fromIterable(new Set(own), { chunkSize: concurrency }).pipe(
          Stream.mapEffect(letterAt, { concurrency }),
          Stream.filter((stored) => stored !== undefined),
          Stream.map(codec.decode)
        )
      })
    ).pipe(Stream.mapError(storeFailed(options.name, "read")))
  }
})
