/**
 * What a write does, as data. It passed every rule, so applying it cannot fail: the same commit is applied to what
 * writes are checked against and, when it is visible, to what reads see, and it is what a disk has to keep.
 */
import type { CheckedRecord, NamespaceSchema, RecordChange } from "./namespaceRecords.ts"

/** Everything a write can do to a namespace. */
export type Change =
  /** A new namespace without records. */
  | { readonly _tag: "Create"; readonly schema: NamespaceSchema | undefined }
  /** The namespace and its records are gone. */
  | { readonly _tag: "Drop" }
  /** Whole records, new or in the place of those with the same id; the namespace is made when it is not there. */
  | { readonly _tag: "Put"; readonly records: ReadonlyArray<CheckedRecord> }
  /** Parts of records that are there. */
  | { readonly _tag: "Change"; readonly records: ReadonlyArray<RecordChange> }
  | { readonly _tag: "Remove"; readonly ids: ReadonlyArray<string> }
  /** All records are gone, the namespace stays. */
  | { readonly _tag: "Clear" }

/** One write. Dense vectors may be the caller's own: use them before returning, or copy them. */
export interface Commit {
  /** Its sequence number: its place among the writes of the index. */
  readonly lsn: number
  readonly namespace: string
  readonly change: Change
}

/** What one namespace holds. */
export interface Contents {
  readonly schema: NamespaceSchema | undefined
  readonly put: (record: CheckedRecord) => void
  /** Absent where records are always put whole. */
  readonly change?: (record: RecordChange) => void
  readonly remove: (id: string) => void
  readonly clear: () => void
}

/** Makes an empty namespace. */
export type Make<C extends Contents> = (schema: NamespaceSchema | undefined) => C

/** Applies a commit to the namespaces of an index. */
export const apply = <C extends Contents>(
  namespaces: Map<string, C>,
  { change, namespace }: Commit,
  make: Make<C>
): void => {
  const stored = namespaces.get(namespace)
  switch (change._tag) {
    case "Create":
      namespaces.set(namespace, make(change.schema))
      return
    case "Drop":
      namespaces.delete(namespace)
      return
    case "Put": {
      const target = stored ?? make(undefined)
      namespaces.set(namespace, target)
      for (const record of change.records) target.put(record)
      return
    }
    case "Change":
      for (const record of change.records) stored?.change?.(record)
      return
    case "Remove":
      for (const id of change.ids) stored?.remove(id)
      return
    case "Clear":
      stored?.clear()
      return
  }
}
