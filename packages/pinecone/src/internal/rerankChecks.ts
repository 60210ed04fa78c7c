/** What a model is asked to rank: its rules, and what is sent of it. */
import {
  clip,
  InvalidOption,
  InvalidRecord,
  InvalidResponse,
  RequestTooLarge
} from "@effect-connectors/core/ConnectorError"
import * as CheckOption from "@effect-connectors/core/CheckOption"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { RerankFields, RerankRequest } from "../PineconeReranker.ts"

const textField = "text"

/** The fields a document is ranked by when none are named. */
export const rankFieldsOf = ({ rankFields }: Pick<RerankRequest, "rankFields">): ReadonlyArray<string> =>
  rankFields ?? [textField]

/** How many of the documents are asked for. Lists of different lengths may be ranked with one `topN`. */
export const wantedOf = ({ topN }: Pick<RerankRequest, "topN">, documents: number): number =>
  Math.min(topN ?? documents, documents)

/** What is wrong with how to rank, whatever is ranked. */
export const invalidRanking = ({
  model,
  parameters,
  rankFields,
  topN
}: Pick<RerankRequest, "model" | "parameters" | "rankFields" | "topN">): InvalidOption | undefined => {
  if (!Predicate.isString(model) || model === "") {
    return new InvalidOption({ option: "model", issue: 'is missing; name one, like "bge-reranker-v2-m3"' })
  }
  if (rankFields?.length === 0) {
    return new InvalidOption({ option: "rankFields", issue: "is empty; name the field that the model reads" })
  }
  if (Result.isFailure(Result.try(() => JSON.stringify(parameters)))) {
    const issue = "can not be written as JSON; give it no bigint, and nothing that contains itself"
    return new InvalidOption({ option: "parameters", issue })
  }
  return CheckOption.range("topN", topN)
}

/** What is wrong with the documents of a caller without types. */
export const invalidDocuments = (documents: unknown): InvalidRecord | undefined =>
  Array.isArray(documents) ? undefined : new InvalidRecord({ field: "documents", issue: "is no list" })

const invalid = (field: string, issue: string) => Result.fail(new InvalidRecord({ field: clip(field, 128), issue }))

/** What is sent of a document. */
const sentOf = (
  document: unknown,
  at: number,
  rankFields: ReadonlyArray<string>
): Result.Result<RerankFields, InvalidRecord> => {
  const given: unknown = Predicate.isString(document) ? { [textField]: document } : document
  if (!Predicate.isObject(given)) return invalid(`documents.${at}`, "is neither text nor an object")
  const sent: { [field: string]: string } = {}
  for (const field of rankFields) {
    const text = Predicate.hasProperty(given, field) ? given[field] : undefined
    if (!Predicate.isString(text)) {
      return invalid(`documents.${at}.${field}`, "is not text, and it is a field to rank by; name others in rankFields")
    }
    sent[field] = text
  }
  return Result.succeed(sent)
}

/** A request of documents that nobody has looked at yet. */
interface Given extends Omit<RerankRequest, "documents"> {
  readonly documents: ReadonlyArray<unknown>
}

/** What is sent of the documents of a request, when a model can rank them. */
export const checkRerank = (
  request: Given,
  maxDocuments: number | undefined
): Result.Result<ReadonlyArray<RerankFields>, InvalidOption | InvalidRecord | RequestTooLarge> => {
  const { documents, model, query } = request
  const wrong = invalidRanking(request)
  if (wrong !== undefined) return Result.fail(wrong)
  if (!Predicate.isString(query) || query.trim() === "") return invalid("query", "is empty; ask with some text")
  const noList = invalidDocuments(documents)
  if (noList !== undefined) return Result.fail(noList)
  if (documents.length === 0) return invalid("documents", "is empty; there is nothing to rank")
  if (maxDocuments !== undefined && documents.length > maxDocuments) {
    const detail = `${documents.length} documents, and ${clip(model, 64)} ranks ${maxDocuments} a call; give it fewer`
    return Result.fail(new RequestTooLarge({ detail }))
  }
  const rankFields = rankFieldsOf(request)
  const all: Array<RerankFields> = []
  for (const [at, document] of documents.entries()) {
    const sent = sentOf(document, at, rankFields)
    if (Result.isFailure(sent)) return Result.fail(sent.failure)
    all.push(sent.success)
  }
  return Result.succeed(all)
}

/**
 * An answer names places of the documents that were sent, each once at most, and as many as were asked for: of a shorter
 * one nobody would see which documents are gone.
 */
export const checkRanked = <R extends { readonly index: number }>(
  ranked: ReadonlyArray<R>,
  request: Pick<RerankRequest, "topN">,
  documents: number
): Result.Result<ReadonlyArray<R>, InvalidResponse> => {
  const seen = new Set<number>()
  for (const { index } of ranked) {
    if (!Number.isInteger(index) || index < 0 || index >= documents || seen.has(index)) {
      const detail = `it ranks document ${index}${seen.has(index) ? " twice" : ""}, and ${documents} were sent`
      return Result.fail(new InvalidResponse({ detail }))
    }
    seen.add(index)
  }
  const wanted = wantedOf(request, documents)
  if (ranked.length !== wanted) {
    const detail = `it ranks ${ranked.length} documents, and ${wanted} of ${documents} were asked for`
    return Result.fail(new InvalidResponse({ detail }))
  }
  return Result.succeed(ranked)
}
