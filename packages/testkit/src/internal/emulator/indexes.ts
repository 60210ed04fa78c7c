/** The indexes of one emulator: what they were made as, and their records. */
import * as Schema from "effect/Schema"
import * as VectorStore from "../vectorStore.ts"
import { Definition } from "./indexModel.ts"
import type { Persistence, StoredIndex } from "./persistence.ts"

export interface EmulatedIndex {
  readonly definition: Definition
  readonly store: VectorStore.VectorStore
}

export interface Indexes {
  readonly get: (name: string) => EmulatedIndex | undefined
  /** In the order they were made. */
  readonly all: () => ReadonlyArray<EmulatedIndex>
  /** Makes an index, empty. */
  readonly create: (definition: Definition) => EmulatedIndex
  /** Changes the settings of the index with the name of the definition. */
  readonly configure: (definition: Definition) => void
  readonly remove: (name: string) => void
}

/** What all indexes have in common. */
export interface Shared extends Pick<VectorStore.StoreOptions, "limits" | "visibleAfter" | "now"> {
  /** Sparse values for a dotproduct index whose schema declares none. */
  readonly undeclaredSparse: "refuse" | "accept"
}

const Model = Schema.fromJsonString(Definition)
const decode = Schema.decodeUnknownSync(Model)
const encode = Schema.encodeSync(Model)

/** Starts with the indexes that are kept, if any are. Throws what keeping them throws. */
export const make = ({ undeclaredSparse, ...shared }: Shared, kept: Persistence | undefined): Indexes => {
  const indexes = new Map<string, EmulatedIndex>()

  const open = (definition: Definition, history: StoredIndex["history"]): EmulatedIndex => {
    const { dimension, metric, name, vectorType } = definition
    const onCommit: VectorStore.StoreOptions["onCommit"] = kept && ((commit) => kept.write(name, commit))
    const takesSparse = definition.takesSparse || undeclaredSparse === "accept"
    const store = VectorStore.make({ ...shared, vectorType, metric, dimension, takesSparse, onCommit, history })
    const index = { definition, store }
    indexes.set(name, index)
    return index
  }

  for (const { history, model } of kept?.load() ?? []) open(decode(model), history)

  return {
    get: (name) => indexes.get(name),
    all: () => [...indexes.values()],
    create: (definition) => {
      kept?.saveIndex(definition.name, encode(definition))
      return open(definition, [])
    },
    configure: (definition) => {
      const index = indexes.get(definition.name)
      if (index === undefined) return
      kept?.saveIndex(definition.name, encode(definition))
      indexes.set(definition.name, { ...index, definition })
    },
    remove: (name) => {
      kept?.deleteIndex(name)
      indexes.delete(name)
    }
  }
}
