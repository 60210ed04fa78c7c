/**
 * What a write does, as data. It passed every rule, so applying it cannot fail: the same commit is applied to what
 * writes are checked against and, when it is visible, to what reads see, and it is what a disk has to keep.
 */
import {
  type CheckedRecord,
  type Kind,
  NamespaceRecords,
  type NamespaceSchema,
  type RecordChange
} from "./namespaceRecords.ts"

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

/** The namespaces of an index by name. */
export type Namespaces = ReadonlyMap<string, NamespaceRecords>

/** Applies a commit to the namespaces of an index of that kind. */
export const apply = (namespaces: Map<string, NamespaceRecords>, { change, namespace }: Commit, kind: Kind): void => {
  const stored = namespaces.get(namespace)
  switch (change._tag) {
    case "Create":
      namespaces.set(namespace, new NamespaceRecords(kind, change.schema))
      return
    case "Drop":
      namespaces.delete(namespace)
      return
    case "Put": {
      const target = stored ?? new NamespaceRecords(kind)
      namespaces.set(namespace, target)
      for (const record of change.records) target.put(record)
      return
    }
    case "Change":
      for (const record of change.records) stored?.change(record)
      return
    case "Remove":
      for (const id of change.ids) stored?.remove(id)
      return
    case "Clear":
      stored?.clear()
      return
  }
}
