/** The indexes of one emulator: what they were made as, and their records. */
import * as Schema from "effect/Schema"
import * as DocumentStore from "../documents/documentStore.ts"
import * as VectorStore from "../vectorStore.ts"
import { Definition, type DocumentDefinition, type VectorDefinition } from "./indexModel.ts"
import type { Persistence, StoredIndex } from "./persistence.ts"

export interface VectorIndex {
  readonly plane: "vectors"
  readonly definition: VectorDefinition
  readonly store: VectorStore.VectorStore
}

export interface DocumentIndex {
  readonly plane: "documents"
  readonly definition: DocumentDefinition
  readonly store: DocumentStore.DocumentStore
}

/** An index has one data plane, from the day it is made. */
export type EmulatedIndex = VectorIndex | DocumentIndex

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
    const { name } = definition
    const onCommit: VectorStore.StoreOptions["onCommit"] = kept && ((commit) => kept.write(name, commit))
    const index = indexOf(definition, { ...shared, onCommit, history }, undeclaredSparse)
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
      indexes.set(definition.name, redefined(index, definition))
    },
    remove: (name) => {
      kept?.deleteIndex(name)
      indexes.delete(name)
    }
  }
}

const indexOf = (
  definition: Definition,
  options: Omit<VectorStore.StoreOptions, "vectorType" | "metric" | "dimension">,
  undeclaredSparse: Shared["undeclaredSparse"]
): EmulatedIndex => {
  if ("schema" in definition) {
    const { schema } = definition
    return { plane: "documents", definition, store: DocumentStore.make({ ...options, schema }) }
  }
  const { dimension, metric, vectorType } = definition
  const takesSparse = definition.takesSparse || undeclaredSparse === "accept"
  const store = VectorStore.make({ ...options, vectorType, metric, dimension, takesSparse })
  return { plane: "vectors", definition, store }
}

/** Settings change, the kind of an index does not. */
const redefined = (index: EmulatedIndex, definition: Definition): EmulatedIndex => {
  if (index.plane === "documents") return "schema" in definition ? { ...index, definition } : index
  return "schema" in definition ? index : { ...index, definition }
}
