/** The indexes of one emulator: what they were made as, and their records. */
import * as VectorStore from "../vectorStore.ts"
import type { Definition } from "./indexModel.ts"

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
export type Shared = Pick<VectorStore.StoreOptions, "limits" | "visibleAfter" | "now">

export const inMemory = (shared: Shared): Indexes => {
  const indexes = new Map<string, EmulatedIndex>()
  return {
    get: (name) => indexes.get(name),
    all: () => [...indexes.values()],
    create: (definition) => {
      const { dimension, metric, name, vectorType } = definition
      const index = { definition, store: VectorStore.make({ vectorType, metric, dimension, ...shared }) }
      indexes.set(name, index)
      return index
    },
    configure: (definition) => {
      const index = indexes.get(definition.name)
      if (index !== undefined) indexes.set(definition.name, { ...index, definition })
    },
    remove: (name) => void indexes.delete(name)
  }
}
