/** What is stored, held against what was to be stored. */
import * as Effect from "effect/Effect"
import { isDeepStrictEqual } from "node:util"
import type { Findings } from "../report.ts"
import { type Corpus, expected, itemAt } from "./corpus.ts"
import type { Emulator, Stored } from "./emulator.ts"

/** Is this what the element of that place was to leave? */
export const isAsSent = (corpus: Corpus, n: number, { id, metadata, values }: Stored): boolean => {
  const { record } = itemAt(corpus, n)
  return (
    record.id === id &&
    isDeepStrictEqual(Array.from(record.values ?? []), (values ?? []).map(Math.fround)) &&
    isDeepStrictEqual(record.metadata, metadata)
  )
}

/** Reads every record back. Missing ones are lost; other content, and ids that nobody wrote, are wrong. */
export const compareStored = Effect.fnUntraced(function* (
  emulator: Pick<Emulator, "read">,
  corpus: Corpus,
  findings: Findings,
  options: { readonly namespaces?: ReadonlyArray<string> } = {}
) {
  const all = expected(corpus)
  for (const namespace of options.namespaces ?? corpus.namespaces) {
    const missing = new Map(all.get(namespace))
    yield* emulator.read(namespace, (stored) => {
      const n = missing.get(stored.id)
      if (n === undefined) return findings.add("wrong", `${stored.id} is stored and nobody wrote it, or twice`)
      missing.delete(stored.id)
      if (!isAsSent(corpus, n, stored)) findings.add("wrong", `${stored.id} has not the content of element ${n}`)
    })
    for (const id of missing.keys()) findings.add("lost", `${id} of namespace ${namespace} is not stored`)
  }
})
