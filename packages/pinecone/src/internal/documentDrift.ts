/** How the fields of a document index differ from what a program declares. */
import type { Drift } from "@effect-connectors/core/ConnectorError"
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type { Field, Fields } from "../DocumentIndex.ts"
import type { DescribedField, FullText } from "../DocumentsApi.ts"

const formatText = ({ language = "en", ngram, stemming = false, stopWords = false }: FullText): string => {
  const grams =
    ngram === undefined
      ? []
      : [`n-grams of ${ngram.minGram} to ${ngram.maxGram}${ngram.prefixOnly === true ? ", prefixes only" : ""}`]
  const how = [language, ...(stemming ? ["stemming"] : []), ...(stopWords ? ["stop words"] : []), ...grams]
  return `text for full text search (${how.join(", ")})`
}

const format = (field: DescribedField): string => {
  switch (field.type) {
    case "dense_vector":
      return `dense vector of ${field.dimension} numbers (${field.metric})`
    case "sparse_vector":
      return "sparse vector"
    case "string":
      return formatText(field.fullText)
    case "other":
      return field.called
  }
}

/** Names that Pinecone gives to types of metadata; one it does not give fits every schema. */
const metadataType = (ast: SchemaAST.AST): string | undefined => {
  switch (ast._tag) {
    case "String":
    case "TemplateLiteral":
      return "string"
    case "Number":
      return "float"
    case "Boolean":
      return "boolean"
    case "Literal":
      return typeof ast.literal === "number" ? "float" : typeof ast.literal
    case "Arrays":
      return "string_list"
    case "Union": {
      const types = new Set(ast.types.map(metadataType))
      const [first] = types
      return types.size === 1 ? first : undefined
    }
    default:
      return undefined
  }
}

const sameNames: ReadonlyMap<string, string> = new Map([
  ["integer", "float"],
  ["number", "float"]
])

const isKnownType = new Set(["string", "float", "boolean", "string_list"])

const declaredType = (schema: Schema.Constraint): string | undefined => metadataType(SchemaAST.toEncoded(schema.ast))

/** What a field is declared as, if that can be compared. */
const declaredAs = (field: Field): string =>
  "kind" in field ? format(field.field) : (declaredType(field) ?? "a field to filter by")

const fits = (declared: Field, found: DescribedField): boolean => {
  if ("kind" in declared) return format(declared.field) === format(found)
  if (found.type !== "other") return false
  const called = sameNames.get(found.called) ?? found.called
  const type = declaredType(declared)
  return type === undefined || !isKnownType.has(called) || type === called
}

const part = (field: Field): string => ("kind" in field ? `${field.kind} field` : "field")

/**
 * Every difference. Metadata that the index does not tell of is none: Pinecone indexes it when it comes with a document.
 */
export const compareFields = (declared: Fields, found: ReadonlyMap<string, DescribedField>): ReadonlyArray<Drift> => {
  const drifts: Array<Drift> = []
  const added = new Map(
    Array.from(found).filter(([name, { type }]) => !Object.hasOwn(declared, name) && type !== "other")
  )
  for (const [name, field] of Object.entries(declared)) {
    const there = found.get(name)
    if (there !== undefined) {
      if (fits(field, there)) continue
      drifts.push({ kind: "retyped", part: part(field), name, declared: declaredAs(field), found: format(there) })
      continue
    }
    if (!("kind" in field)) continue
    const candidates = Array.from(added).filter(([, other]) => fits(field, other))
    const [now] = candidates
    if (now !== undefined && candidates.length === 1) {
      added.delete(now[0])
      drifts.push({ kind: "renamed", part: part(field), name, declared: declaredAs(field), found: now[0] })
    } else {
      drifts.push({ kind: "missing", part: part(field), name, declared: declaredAs(field) })
    }
  }
  for (const [name, field] of added) drifts.push({ kind: "added", part: "field", name, found: format(field) })
  return drifts
}
