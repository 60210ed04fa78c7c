/**
 * The schema of a document index: which of its fields hold vectors and which hold text that is searched. Every other
 * field of a document is metadata and is not declared. The forms are those of the service's JSON.
 */
import type { RequestRefused } from "@effect-connectors/core/ConnectorError"
import { maxDimension } from "@effect-connectors/pinecone/VectorRecord"
import { Buffer } from "node:buffer"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { no } from "../answer.ts"
import { print, refused } from "../refusals.ts"

const described = { description: Schema.optionalKey(Schema.NullOr(Schema.String)) }

export const Metrics = Schema.Literals(["cosine", "dotproduct", "euclidean"])

const DenseField = Schema.Struct({
  type: Schema.Literal("dense_vector"),
  dimension: Schema.Finite,
  metric: Metrics,
  ...described
})

const SparseField = Schema.Struct({ type: Schema.Literal("sparse_vector"), ...described })

const Ngram = Schema.Struct({ min_gram: Schema.Finite, max_gram: Schema.Finite, prefix_only: Schema.Boolean })

/** How the text of a field is cut into tokens. */
export const FullTextSearch = Schema.Struct({
  language: Schema.String,
  stemming: Schema.Boolean,
  stop_words: Schema.Boolean,
  ngram: Schema.optionalKey(Ngram)
})
export type FullTextSearch = typeof FullTextSearch.Type

const TextField = Schema.Struct({ type: Schema.Literal("string"), full_text_search: FullTextSearch, ...described })

const Field = Schema.Union([DenseField, SparseField, TextField])
export type Field = typeof Field.Type

/** The fields by name, with every setting filled in. */
export const DocumentSchema = Schema.Struct({ fields: Schema.Record(Schema.String, Field) })
export type DocumentSchema = typeof DocumentSchema.Type

type Read<A> = Result.Result<A, RequestRefused>

/** Fields as a caller gives them. */
export interface GivenFields {
  readonly [name: string]: unknown
}

const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const readDense = Schema.decodeUnknownResult(
  Schema.Struct({
    type: Schema.Literal("dense_vector"),
    dimension: Schema.Finite,
    metric: optional(Metrics),
    ...described
  })
)
const readSparse = Schema.decodeUnknownResult(SparseField)
const GivenText = Schema.Struct({
  language: optional(Schema.String),
  stemming: optional(Schema.Boolean),
  stop_words: optional(Schema.Boolean),
  ngram: optional(
    Schema.Struct({ min_gram: Schema.Finite, max_gram: Schema.Finite, prefix_only: optional(Schema.Boolean) })
  )
})
type GivenText = typeof GivenText.Type
const readText = Schema.decodeUnknownResult(
  Schema.Struct({ type: Schema.Literal("string"), full_text_search: GivenText, ...described })
)

const maxNameBytes = 64
const maxDescriptionBytes = 256
const maxTextFields = 100
const maxGram = 10

/** Is it a schema whose index is written by the vectors API? */
export const isOfVectors = (fields: GivenFields): boolean => {
  const names = Object.keys(fields)
  return names.length > 0 && names.every((name) => name === "_values" || name === "_sparse_values")
}

/** The schema of a new document index, or what is wrong with it. */
export const read = (fields: GivenFields): Read<DocumentSchema> =>
  Result.gen(function* () {
    const names = Object.keys(fields)
    const read = yield* Result.all(names.map((name) => readField(name, fields[name])))
    const count = (type: Field["type"]): number => read.filter((field) => field.type === type).length
    if (read.length === 0) {
      return yield* no(
        "Schema must contain at least one of the following field types: dense_vector, sparse_vector, string with full_text_search"
      )
    }
    if (count("dense_vector") > 1) return yield* no(atMostOne("dense_vector", count("dense_vector")))
    if (count("sparse_vector") > 1) return yield* no(atMostOne("sparse_vector", count("sparse_vector")))
    if (count("string") > maxTextFields) {
      return yield* no(`Schema has ${count("string")} full_text_search fields, at most ${maxTextFields} are allowed`)
    }
    return { fields: Object.fromEntries(names.map((name, at) => [name, read[at]!])) }
  })

const atMostOne = (type: string, got: number): string => `Schema has ${got} ${type} fields, at most one is allowed`

const readField = (name: string, given: unknown): Read<Field> =>
  Result.gen(function* () {
    if (name === "") return yield* no("Schema field names must not be empty")
    if (Buffer.byteLength(name) > maxNameBytes) {
      return yield* no(`Schema field '${name}' has a name of more than ${maxNameBytes} bytes`)
    }
    if (name.startsWith("$")) return yield* no(`Schema field '${name}' must not start with $`)
    if (name.startsWith("_")) {
      return yield* no(
        `Schema field '${name}' must not start with _: only _values and _sparse_values may, with no other fields beside them`
      )
    }
    const field = yield* ofType(name, given)
    const { description } = field
    return typeof description === "string" && Buffer.byteLength(description) > maxDescriptionBytes
      ? yield* no(`Schema field '${name}' has a description of more than ${maxDescriptionBytes} bytes`)
      : field
  })

const ofType = (name: string, given: unknown): Read<Field> => {
  const type = Predicate.hasProperty(given, "type") ? given.type : undefined
  const parsed = <A>(field: Result.Result<A, { readonly message: string }>): Read<A> =>
    Result.mapError(field, ({ message }) =>
      refused(`Schema field '${name}' is malformed: ${message.replaceAll(/\s*\n\s*/g, " ")}`)
    )
  switch (type) {
    case "dense_vector":
      return Result.flatMap(parsed(readDense(given)), (field) =>
        Number.isInteger(field.dimension) && field.dimension >= 1 && field.dimension <= maxDimension
          ? Result.succeed({ ...field, metric: field.metric ?? "cosine" })
          : no(`Dimension must be a whole number from 1 to ${maxDimension}, got ${field.dimension}`)
      )
    case "sparse_vector":
      return parsed(readSparse(given))
    case "string":
      return Predicate.hasProperty(given, "full_text_search")
        ? Result.flatMap(parsed(readText(given)), (field) =>
            Result.map(settle(name, field.full_text_search), (full_text_search) => ({ ...field, full_text_search }))
          )
        : no(notDeclared(name, "string without full_text_search"))
    case "semantic_text":
      return no(`Schema field '${name}' of type semantic_text cannot be declared: create an index for a model instead`)
    case "float":
    case "number":
    case "integer":
    case "boolean":
    case "string_list":
      return no(notDeclared(name, type))
    default:
      return no(`Schema field '${name}' must be of type dense_vector, sparse_vector or string, got ${print(type)}`)
  }
}

const notDeclared = (name: string, type: string): string =>
  `Schema field '${name}' of type ${type} is metadata and cannot be declared: metadata is indexed automatically`

/** Fills the defaults in. */
const settle = (name: string, given: GivenText): Read<FullTextSearch> => {
  const wrong = (issue: string) => no(`full_text_search of field '${name}': ${issue}`)
  const { ngram } = given
  const settings = {
    language: given.language ?? "en",
    stemming: given.stemming ?? false,
    stop_words: given.stop_words ?? false
  }
  if (settings.stop_words && !settings.stemming) return wrong("stop_words requires stemming: true")
  if (settings.stemming && settings.language !== "en") return wrong("the emulator stems text in English (en) alone")
  if (!ngram) return Result.succeed(settings)
  if (settings.stemming) return wrong("ngram cannot be combined with stemming or stop_words")
  const { max_gram, min_gram } = ngram
  return Number.isInteger(min_gram) &&
    Number.isInteger(max_gram) &&
    1 <= min_gram &&
    min_gram <= max_gram &&
    max_gram <= maxGram
    ? Result.succeed({ ...settings, ngram: { min_gram, max_gram, prefix_only: ngram.prefix_only ?? false } })
    : wrong(`min_gram and max_gram must be whole numbers, 1 <= min_gram <= max_gram <= ${maxGram}`)
}

/** The fields of a schema by what they are searched with. */
export interface Roles {
  readonly dense: (typeof DenseField.Type & { readonly name: string }) | undefined
  /** The name of the sparse field. */
  readonly sparse: string | undefined
  readonly texts: ReadonlyMap<string, FullTextSearch>
}

export const rolesOf = ({ fields }: DocumentSchema): Roles => {
  const texts = new Map<string, FullTextSearch>()
  let dense: Roles["dense"]
  let sparse: Roles["sparse"]
  for (const [name, field] of Object.entries(fields)) {
    if (field.type === "dense_vector") dense = { ...field, name }
    else if (field.type === "sparse_vector") sparse = name
    else texts.set(name, field.full_text_search)
  }
  return { dense, sparse, texts }
}
