/** Whether two records hold the same. */
import type { Metadata, MetadataValue, SparseValues, Values, VectorRecord } from "../VectorRecord.ts"

/** Pinecone stores float32, so two numbers that round to the same one are the same. */
const sameValues = (a: Values, b: Values, tolerance: number): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) {
    const x = Math.fround(a[i]!)
    const y = Math.fround(b[i]!)
    if (x !== y && !(Math.abs(x - y) <= tolerance)) return false
  }
  return true
}

/** The order of positions says nothing. */
const sameSparse = (a: SparseValues, b: SparseValues, tolerance: number): boolean => {
  if (a.indices.length !== b.indices.length) return false
  if (a.indices.every((index, i) => index === b.indices[i])) return sameValues(a.values, b.values, tolerance)
  const places = new Map<number, number>()
  b.indices.forEach((index, i) => places.set(index, i))
  const ordered = Array.from(a.indices, (index) => b.values[places.get(index) ?? -1] ?? NaN)
  return sameValues(a.values, ordered, tolerance)
}

const sameField = (a: MetadataValue | undefined, b: MetadataValue | undefined): boolean =>
  a === b ||
  (typeof a === "object" && typeof b === "object" && a.length === b.length && a.every((item, i) => item === b[i]))

/** Neither does the order of fields; that of a list's strings does. */
const sameMetadata = (a: Metadata, b: Metadata): boolean => {
  const fields = Object.keys(a)
  return (
    fields.length === Object.keys(b).length &&
    fields.every((field) => Object.hasOwn(b, field) && sameField(a[field], b[field]))
  )
}

const noSparse: SparseValues = { indices: [], values: [] }

/** The parts in which two records differ. A part that is missing is the same as an empty one. */
export const differingParts = (
  a: VectorRecord,
  b: VectorRecord,
  tolerance: number
): Array<"values" | "sparseValues" | "metadata"> => {
  const parts: Array<"values" | "sparseValues" | "metadata"> = []
  if (!sameValues(a.values ?? [], b.values ?? [], tolerance)) parts.push("values")
  if (!sameSparse(a.sparseValues ?? noSparse, b.sparseValues ?? noSparse, tolerance)) parts.push("sparseValues")
  if (!sameMetadata(a.metadata ?? {}, b.metadata ?? {})) parts.push("metadata")
  return parts
}
