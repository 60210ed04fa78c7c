/** What a search ranks by, checked before anything is sent. */
import { InvalidRecord } from "@effect-connectors/core/ConnectorError"
import * as Predicate from "effect/Predicate"
import type { Score } from "../DocumentsApi.ts"
import { inspect, isGoodSparse, isVector, valuesIssue } from "./recordRules.ts"

/** Bytes of a query of text: 10 KB. */
const maxQueryBytes = 10_240

const scoreIssue = (score: Score): string | undefined => {
  if (score.type !== "query_string" && score.fields.length === 0) return "names no field to compare with"
  switch (score.type) {
    case "dense_vector":
    case "sparse_vector": {
      if (score.fields.length !== 1) return `names ${score.fields.length} fields for a vector; it is compared with one`
      const values = score.type === "dense_vector" ? score.values : score.sparseValues.values
      if (!isVector(values) || values.length === 0) return "has an empty vector; fill it"
      if (score.type === "sparse_vector" && !isGoodSparse(score.sparseValues)) {
        return "has a sparse vector with a position that is none, or comes twice, or not as many values as positions"
      }
      return valuesIssue(values, inspect(values))
    }
    case "text":
    case "query_string": {
      if (!Predicate.isString(score.query) || score.query.trim() === "") return "has an empty query; ask for some text"
      const bytes = Buffer.byteLength(score.query)
      return bytes > maxQueryBytes ? `has a query of ${bytes} bytes; it may have ${maxQueryBytes}` : undefined
    }
  }
}

/** What is wrong with what a search asks by, if anything is. */
export const checkScores = (scores: ReadonlyArray<Score>): InvalidRecord | undefined => {
  const wrong = (issue: string) => new InvalidRecord({ field: "scoreBy", issue })
  if (scores.length === 0) return wrong("is empty; give something to rank by")
  const isVectors = scores.some(({ type }) => type === "dense_vector" || type === "sparse_vector")
  if (isVectors && scores.length > 1) {
    const kinds = scores.map(({ type }) => type).join(" and ")
    return wrong(`mixes ${kinds}; a vector ranks alone, only text and query strings go together`)
  }
  for (const score of scores) {
    const issue = scoreIssue(score)
    if (issue !== undefined) return wrong(issue)
  }
  return undefined
}
