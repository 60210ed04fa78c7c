/** What a query asks with, checked before anything is sent. */
import { InvalidRecord } from "@effect-connectors/core/ConnectorError"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { QueryRequest } from "../PineconeApi.ts"
import { Id, SparseValues, Values } from "../VectorRecord.ts"
import { toInvalid } from "./recordChecks.ts"
import { toWireFilter, type WireFilter } from "./wireFilter.ts"

/** What a query asks with. */
export type QueryParts = Pick<QueryRequest, "vector" | "sparseVector" | "id" | "filter">

const encodeParts = Schema.encodeUnknownResult(
  Schema.Struct({
    vector: Schema.optional(Values),
    sparseVector: Schema.optional(SparseValues),
    id: Schema.optional(Id)
  })
)

const invalid = (field: string, issue: string) => new InvalidRecord({ field, issue })

const wrongParts = (parts: QueryParts, dimension: number | undefined): InvalidRecord | undefined => {
  if (parts.id !== undefined && (parts.vector !== undefined || parts.sparseVector !== undefined)) {
    return invalid("query", "has an id and a vector; give one or the other")
  }
  const length = parts.vector?.length
  if (length === 0 || parts.sparseVector?.indices.length === 0) {
    return invalid(length === 0 ? "vector" : "sparseVector", "is empty; leave it out or fill it")
  }
  if (parts.id === undefined && length === undefined && parts.sparseVector === undefined) {
    return invalid("query", "has nothing to ask with; give a vector, a sparseVector or an id")
  }
  if (length !== undefined && dimension !== undefined && length !== dimension) {
    return invalid("vector", `has ${length} numbers and the index has dimension ${dimension}`)
  }
  const encoded = encodeParts(parts)
  return Result.isSuccess(encoded) ? undefined : toInvalid(undefined, encoded.failure.issue)
}

/** Checks a query and gives its filter as it goes on the wire. */
export const checkQuery = (
  parts: QueryParts,
  dimension: number | undefined
): Result.Result<WireFilter | undefined, InvalidRecord> => {
  const wrong = wrongParts(parts, dimension)
  if (wrong !== undefined) return Result.fail(wrong)
  return parts.filter === undefined ? Result.succeed(undefined) : toWireFilter(parts.filter)
}
