/** Finds prefixes that cut a namespace into parts: together they hold each id once, whatever the ids are. */
import * as Retry from "@effect-connectors/core/Retry"
import type { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import type { Service } from "@effect-connectors/pinecone/PineconeIndex"
import * as Effect from "effect/Effect"

/** Ids are ASCII without NUL. */
const characters = Array.from({ length: 127 }, (_, i) => String.fromCharCode(i + 1))

/** Lists in flight. */
const concurrency = 8

/** What begins with a prefix. */
interface Found {
  readonly prefix: string
  /** It can be cut by its next character: it has more ids than one page, and none that is the prefix itself. */
  readonly isLarge: boolean
}

/**
 * Prefixes of about `wanted` parts, or of fewer when most ids have much in common. Each step looks at the next character of all
 * parts that are large, with 127 calls for each of them.
 */
export const prefixes = (
  index: Service,
  namespace: string,
  wanted: number,
  retry?: Retry.Policy
): Effect.Effect<ReadonlyArray<string>, PineconeError> =>
  Effect.gen(function* () {
    const look = (prefix: string) =>
      Effect.map(Retry.retry(index.list({ namespace, prefix }), retry), ({ ids, next }): ReadonlyArray<Found> => {
        // Ids come sorted, so one that is the prefix comes first.
        return ids.length === 0 ? [] : [{ prefix, isLarge: next !== undefined && ids[0] !== prefix }]
      })
    let parts: ReadonlyArray<Found> = [{ prefix: "", isLarge: true }]
    while (parts.length < wanted && parts.some(({ isLarge }) => isLarge)) {
      const next = yield* Effect.forEach(
        parts.flatMap((part): ReadonlyArray<Effect.Effect<ReadonlyArray<Found>, PineconeError>> =>
          part.isLarge ? characters.map((character) => look(part.prefix + character)) : [Effect.succeed([part])]
        ),
        (found) => found,
        { concurrency }
      )
      parts = next.flat()
    }
    return parts.map(({ prefix }) => prefix)
  })
