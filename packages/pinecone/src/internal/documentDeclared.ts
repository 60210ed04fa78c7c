/** What is wrong with the declared fields of a document index. The rules are those of the SDK's schema of an index. */
import { clip, InvalidOption } from "@effect-connectors/core/ConnectorError"
import type { Fields, Kind } from "../DocumentIndex.ts"
import type { FullText, IndexField } from "../DocumentsApi.ts"
import { nameIssue } from "./documentRules.ts"
import { maxDimension } from "./recordRules.ts"

/** Fields of each kind in one index. */
const most: Readonly<Record<Kind, number>> = { dense: 1, sparse: 1, text: 100 }

const textIssue = ({ ngram, stemming, stopWords }: FullText): string | undefined => {
  if (stopWords === true && stemming !== true) return "leaves stop words out, which needs stemming"
  if (ngram === undefined) return undefined
  if (stemming === true) return "is cut into n-grams and stemmed; do one of the two"
  const { maxGram, minGram } = ngram
  return Number.isInteger(minGram) && Number.isInteger(maxGram) && minGram >= 1 && minGram <= maxGram && maxGram <= 10
    ? undefined
    : `has n-grams of ${minGram} to ${maxGram} characters; they have 1 to 10`
}

const fieldIssue = (field: IndexField): string | undefined => {
  switch (field.type) {
    case "dense_vector":
      return Number.isInteger(field.dimension) && field.dimension >= 1 && field.dimension <= maxDimension
        ? undefined
        : `has dimension ${field.dimension}; it must be a whole number from 1 to ${maxDimension}`
    case "sparse_vector":
      return undefined
    case "string":
      return textIssue(field.fullText)
  }
}

/** @see the module's comment */
export const declarationIssue = (fields: Fields | undefined): InvalidOption | undefined => {
  if (fields === undefined) return undefined
  const wrong = (option: string, issue: string) => new InvalidOption({ option, issue })
  const names: Record<Kind, Array<string>> = { dense: [], sparse: [], text: [] }
  for (const [name, field] of Object.entries(fields)) {
    const issue = nameIssue(name) ?? ("kind" in field ? fieldIssue(field.field) : undefined)
    if (issue !== undefined) return wrong(`fields.${clip(name, 64)}`, issue)
    if ("kind" in field) names[field.kind].push(name)
  }
  for (const kind of ["dense", "sparse", "text"] as const) {
    const found = names[kind]
    if (found.length > most[kind]) {
      const some = clip(found.slice(0, 3).join(", "), 200)
      return wrong("fields", `has ${found.length} ${kind} fields (${some}); an index has ${most[kind]} at most`)
    }
  }
  return Object.values(names).every((found) => found.length === 0)
    ? wrong("fields", "has none to search by; an index has at least one dense, sparse or text field")
    : undefined
}
