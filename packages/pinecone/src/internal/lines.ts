import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** A line that is not blank, and its number in the text; the first one is 1. */
export interface Line {
  readonly number: number
  readonly text: string
}

/** Cuts text into lines. One that is longer than `max` fails the stream, however long it goes on. */
export const lines =
  <E2>(max: number, tooLong: (number: number) => E2) =>
  <E, R>(self: Stream.Stream<string, E, R>): Stream.Stream<Line, E | E2, R> =>
    Stream.suspend(() => {
      let number = 1
      let rest = ""
      const cut = (texts: ReadonlyArray<string>) =>
        Effect.suspend(() => {
          const found: Array<Line> = []
          for (const text of texts) {
            let from = 0
            for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", from)) {
              rest += text.slice(from, end)
              from = end + 1
              if (rest.length > max) return Effect.fail(tooLong(number))
              if (rest.trim() !== "") found.push({ number, text: rest })
              rest = ""
              number++
            }
            rest += text.slice(from)
            if (rest.length > max) return Effect.fail(tooLong(number))
          }
          return Effect.succeed(Arr.of(found))
        })
      return self.pipe(Stream.concat(Stream.succeed("\n")), Stream.mapArrayEffect(cut), Stream.flattenIterable)
    })
