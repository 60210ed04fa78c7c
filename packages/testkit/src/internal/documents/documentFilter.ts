/**
 * Filters of documents: those of metadata, and `$match_phrase`, `$match_all` and `$match_any` on fields with full-text
 * search, where the service takes these.
 *
 * Decided here, not known of the service: `$exists` works on every field, comparisons on metadata alone; a text that has
 * no token matches nothing.
 */
import * as Result from "effect/Result"
import { type Answer, no } from "../answer.ts"
import * as MetadataFilter from "../metadataFilter.ts"
import { print } from "../refusals.ts"
import type { Filtered, Matches } from "./namespaceDocuments.ts"
import { occurrences } from "./phrase.ts"
import type { Roles } from "./schema.ts"

const textOperators: ReadonlyArray<string> = ["$match_phrase", "$match_all", "$match_any"]

export interface Options {
  /** Bounds `$in` and `$nin`. */
  readonly maxValues: number
  /** Updates and deletes take no text operators. */
  readonly takesText: boolean
}

/** Compiles a filter, or says what is wrong with it. */
export const compile = (filter: unknown, roles: Roles, { maxValues, takesText }: Options): Answer<Matches> => {
  const isVector = (field: string) => field === roles.dense?.name || field === roles.sparse
  const special = (field: string, operator: string, operand: unknown): Answer<Matches> | undefined => {
    if (textOperators.includes(operator)) {
      if (!takesText) return no(`${operator} is not supported here: documents are selected on metadata alone`)
      if (!roles.texts.has(field)) {
        return no(`${operator} needs a field with full-text search, which '${field}' is not`)
      }
      return typeof operand === "string"
        ? Result.succeed(textTest(field, operator, operand))
        : no(`${operator} on field '${field}' needs a string, got ${print(operand)}`)
    }
    if (operator === "$exists" && isVector(field)) {
      return typeof operand === "boolean"
        ? Result.succeed(({ record }) => {
            const isThere = field === roles.sparse ? record.sparseValues !== undefined : record.values.length > 0
            return isThere === operand
          })
        : no(`$exists on field '${field}' needs true or false, got ${print(operand)}`)
    }
    if (operator === "$exists" || (!isVector(field) && !roles.texts.has(field))) return undefined
    return no(
      `${operator} on field '${field}' is not supported: ${
        isVector(field) ? "vectors cannot be filtered by" : `full-text search has ${textOperators.join(", ")}`
      }`
    )
  }
  return MetadataFilter.compileFor<Filtered>(filter, maxValues, { metadata: ({ record }) => record.metadata, special })
}

const textTest =
  (field: string, operator: string, text: string): Matches =>
  ({ columns, id }) => {
    const column = columns.get(field)
    if (column === undefined) return false
    const wanted = column.analyze(text)
    const tokens = column.index.tokens(id)
    if (wanted.length === 0) return false
    switch (operator) {
      case "$match_phrase":
        return occurrences(tokens, wanted) > 0
      case "$match_all":
        return wanted.every((token) => tokens.includes(token))
      default:
        return wanted.some((token) => tokens.includes(token))
    }
  }
