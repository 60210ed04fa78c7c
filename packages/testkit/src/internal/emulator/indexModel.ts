/**
 * An index as the control plane takes and tells it: by its schema for new versions of the API, by dimension, metric
 * and spec for older ones. A body of either form is taken from every version.
 */
import { clip, RequestRefused } from "@effect-connectors/core/ConnectorError"
import { maxDimension } from "@effect-connectors/pinecone/VectorRecord"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { DocumentSchema, isOfVectors, Metrics, read as readSchema, rolesOf } from "../documents/schema.ts"
import { dimensionOf, embeddingModel } from "../records/embedding.ts"
import { isSchemaBased } from "./apiVersion.ts"
import { optional, reader } from "./wire.ts"

const VectorTypes = Schema.Literals(["dense", "sparse"])
const clouds: ReadonlyArray<string> = ["aws", "gcp", "azure"]

const shared = {
  name: Schema.String,
  cloud: Schema.String,
  region: Schema.String,
  tags: Schema.Record(Schema.String, Schema.String),
  isProtected: Schema.Boolean
}

/** An index of documents. */
const DocumentDefinition = Schema.Struct({ ...shared, schema: DocumentSchema })
export type DocumentDefinition = typeof DocumentDefinition.Type

const Parameters = Schema.Record(Schema.String, Schema.Unknown)

/** The model that makes an index's vectors of text. */
export const Integrated = Schema.Struct({
  model: Schema.String,
  /** The field of a record that has the text. */
  field: Schema.String,
  readParameters: Parameters,
  writeParameters: Parameters
})
export type Integrated = typeof Integrated.Type

/** An index of vectors. */
const VectorDefinition = Schema.Struct({
  ...shared,
  vectorType: VectorTypes,
  metric: Metrics,
  /** None of a sparse index. */
  dimension: Schema.optional(Schema.Finite),
  /** Does it take sparse values? Indexes kept before this was known do, if their metric allows it. */
  takesSparse: Schema.Boolean.pipe(Schema.withDecodingDefaultKey(Effect.succeed(true))),
  /** Of an index that takes text. */
  embed: Schema.optionalKey(Integrated)
})
export type VectorDefinition = typeof VectorDefinition.Type

/** What an index is made as, and the settings that can be changed later. */
export const Definition = Schema.Union([DocumentDefinition, VectorDefinition])
export type Definition = typeof Definition.Type

/** Sets and removes (by `""`) tags; sets the protection. */
export interface Changes {
  readonly tags: Definition["tags"]
  readonly isProtected: boolean | undefined
}

/** Something a caller gave, or what is wrong with it. */
export type Read<A> = Result.Result<A, RequestRefused>

const invalid = (detail: string): RequestRefused => new RequestRefused({ detail: clip(detail), wire: { status: 400 } })

const no = (detail: string): Result.Result<never, RequestRefused> => Result.fail(invalid(detail))

const TagValues = optional(Schema.Record(Schema.String, Schema.String))
const Protection = optional(Schema.Literals(["enabled", "disabled"]))
const Place = Schema.Struct({ cloud: Schema.String, region: Schema.NonEmptyString })

const common = { name: Schema.String, tags: TagValues, deletion_protection: Protection }

const readClassic = reader(
  Schema.Struct({
    ...common,
    dimension: optional(Schema.Finite),
    metric: optional(Metrics),
    vector_type: optional(VectorTypes),
    spec: Schema.Struct({ serverless: Place })
  })
)

const deployed = {
  deployment: optional(Schema.Struct({ ...Place.fields, deployment_type: Schema.Literal("managed") }))
}

const readOfVectors = reader(
  Schema.Struct({
    ...common,
    ...deployed,
    schema: Schema.Struct({
      fields: Schema.Struct({
        _values: optional(
          Schema.Struct({ type: Schema.Literal("dense_vector"), dimension: Schema.Finite, metric: optional(Metrics) })
        ),
        _sparse_values: optional(Schema.Struct({ type: Schema.Literal("sparse_vector"), metric: optional(Metrics) }))
      })
    })
  })
)

const readSchemaBased = reader(
  Schema.Struct({
    ...common,
    ...deployed,
    schema: Schema.Struct({ fields: Schema.Record(Schema.String, Schema.Unknown) })
  })
)

const readForModel = reader(
  Schema.Struct({
    ...common,
    ...Place.fields,
    embed: Schema.Struct({
      model: Schema.String,
      field_map: Schema.Struct({ text: Schema.NonEmptyString }),
      metric: optional(Metrics),
      dimension: optional(Schema.Finite),
      read_parameters: optional(Parameters),
      write_parameters: optional(Parameters)
    })
  })
)

const readConfigure = reader(Schema.Struct({ tags: TagValues, deletion_protection: Protection }))

/** Reads the body of `POST /indexes`. */
export const readDefinition = (body: unknown): Read<Definition> =>
  hasSchema(body) ? fromSchemaBased(body) : fromClassic(body)

/** Reads the body of `POST /indexes/create-for-model`. */
export const readDefinitionForModel = (body: unknown): Read<Definition> =>
  Result.gen(function* () {
    const { cloud, embed, region, ...rest } = yield* Result.mapError(readForModel(body), invalid)
    const found = yield* embeddingModel(embed.model)
    const { metrics, vectorType } = found
    const metric = embed.metric ?? metrics[0]
    if (!metrics.includes(metric)) return yield* no(`Model '${embed.model}' has no metric ${metric}`)
    const dimension = yield* dimensionOf(embed.model, found, embed.dimension ?? undefined)
    return {
      ...commonOf(rest),
      cloud,
      region,
      vectorType,
      metric,
      dimension,
      takesSparse: vectorType === "sparse",
      embed: {
        model: embed.model,
        field: embed.field_map.text,
        readParameters: { ...paramsOf("query"), ...embed.read_parameters },
        writeParameters: { ...paramsOf("passage"), ...embed.write_parameters }
      }
    }
  })

const paramsOf = (inputType: string) => ({ input_type: inputType, truncate: "END" })

/** Reads the body of `PATCH /indexes/{name}`; keys that change nothing here are ignored. */
export const readChanges = (body: unknown): Read<Changes> =>
  Result.map(Result.mapError(readConfigure(body), invalid), ({ deletion_protection, tags }) => ({
    tags: tags ?? {},
    isProtected: deletion_protection ? deletion_protection === "enabled" : undefined
  }))

export const changed = (definition: Definition, changes: Changes): Definition => ({
  ...definition,
  tags: Object.fromEntries(Object.entries({ ...definition.tags, ...changes.tags }).filter(([, value]) => value !== "")),
  isProtected: changes.isProtected ?? definition.isProtected
})

/** An `IndexModel`, in the shape of a version of the API. */
export const toModel = (definition: Definition, host: string, version: string) => {
  const { cloud, isProtected, name, region } = definition
  const tags = Object.keys(definition.tags).length === 0 ? null : definition.tags
  const shared = {
    name,
    host,
    status: { ready: true, state: "Ready" },
    deletion_protection: protection(isProtected),
    tags
  }
  if (!isSchemaBased(version)) {
    return { ...shared, ...shapeOf(definition), spec: { serverless: { cloud, region } } }
  }
  return {
    ...shared,
    deployment: { deployment_type: "managed", cloud, region, environment: "emulator" },
    read_capacity: { mode: "OnDemand", status: { state: "Ready" } },
    schema: { fields: fieldsOf(definition) }
  }
}

const fieldsOf = (definition: Definition) => {
  if ("schema" in definition) return definition.schema.fields
  const { dimension, embed, metric } = definition
  if (embed !== undefined) {
    const { field, model, readParameters, writeParameters } = embed
    const parameters = { read_parameters: readParameters, write_parameters: writeParameters }
    return { [field]: { type: "semantic_text", model, dimension: dimension ?? null, metric, ...parameters } }
  }
  return {
    ...(dimension === undefined ? {} : { _values: { type: "dense_vector", dimension, metric } }),
    _sparse_values: { type: "sparse_vector" }
  }
}

/** How versions without schemas tell what an index holds. What they tell of a document index is a guess. */
const shapeOf = (definition: Definition) => {
  if (!("schema" in definition)) {
    const { dimension, embed, metric, vectorType } = definition
    const shape = { ...(dimension === undefined ? {} : { dimension }), metric, vector_type: vectorType }
    if (embed === undefined) return shape
    const { field, model, readParameters, writeParameters } = embed
    const parameters = { read_parameters: readParameters, write_parameters: writeParameters }
    return { ...shape, embed: { ...shape, model, field_map: { text: field }, ...parameters } }
  }
  const { dense } = rolesOf(definition.schema)
  return dense === undefined
    ? { metric: "dotproduct", vector_type: "sparse" }
    : { dimension: dense.dimension, metric: dense.metric, vector_type: "dense" }
}

const protection = (isProtected: boolean): string => (isProtected ? "enabled" : "disabled")

const hasSchema = (body: unknown): boolean => Predicate.hasProperty(body, "schema") && body.schema !== null

const fromClassic = (body: unknown): Read<Definition> =>
  Result.flatMap(Result.mapError(readClassic(body), invalid), ({ dimension, metric, spec, vector_type, ...rest }) => {
    const isSparse = vector_type === "sparse"
    if (isSparse && dimension) return no("A sparse index has no dimension")
    if (isSparse && metric && metric !== "dotproduct") return no("A sparse index has metric dotproduct")
    if (!isSparse && typeof dimension !== "number") return no("A dense index needs a dimension")
    const used = metric ?? (isSparse ? "dotproduct" : "cosine")
    return Result.succeed({
      ...commonOf(rest),
      ...spec.serverless,
      vectorType: isSparse ? "sparse" : "dense",
      metric: used,
      takesSparse: used === "dotproduct",
      dimension: dimension ?? undefined
    })
  })

const fromSchemaBased = (body: unknown): Read<Definition> =>
  Result.gen(function* () {
    const { deployment, schema, ...rest } = yield* Result.mapError(readSchemaBased(body), invalid)
    const place = { cloud: deployment?.cloud ?? "aws", region: deployment?.region ?? "us-east-1" }
    if (isOfVectors(schema.fields)) return { ...commonOf(rest), ...place, ...(yield* vectorsOf(body)) }
    return { ...commonOf(rest), ...place, schema: yield* readSchema(schema.fields) }
  })

/** The vectors of a schema of reserved fields. */
const vectorsOf = (
  body: unknown
): Read<Pick<VectorDefinition, "vectorType" | "metric" | "dimension" | "takesSparse">> =>
  Result.map(Result.mapError(readOfVectors(body), invalid), ({ schema }) => {
    const { _sparse_values: sparse, _values: dense } = schema.fields
    return {
      vectorType: dense ? "dense" : "sparse",
      metric: dense ? (dense.metric ?? "cosine") : "dotproduct",
      dimension: dense?.dimension,
      takesSparse: Boolean(sparse)
    }
  })

const commonOf = (body: {
  readonly name: string
  readonly tags?: Definition["tags"] | null
  readonly deletion_protection?: "enabled" | "disabled" | null
}) => ({ name: body.name, tags: body.tags ?? {}, isProtected: body.deletion_protection === "enabled" })

/**
 * Can there be such an index? Source of the limits: Pinecone's documentation. Every region of a known cloud is taken,
 * for the list of them changes.
 */
export const checked = (definition: Definition): Read<Definition> => {
  const { cloud, name, region, tags } = definition
  const dimension = "schema" in definition ? undefined : definition.dimension
  if (name.length < 1 || name.length > 45) return no(`Name must have 1 to 45 characters, got ${name.length}`)
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name)) {
    return no(
      "Name must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
    )
  }
  if (dimension !== undefined && !(Number.isInteger(dimension) && dimension >= 1 && dimension <= maxDimension)) {
    return no(`Dimension must be a whole number from 1 to ${maxDimension}, got ${dimension}`)
  }
  if (!clouds.includes(cloud)) {
    return Result.fail(
      new RequestRefused({
        detail: clip(`Resource cloud: ${cloud} region: ${region} not found.`),
        wire: { status: 404 }
      })
    )
  }
  const all = Object.entries(tags)
  if (all.length > 20) return no(`An index has at most 20 tags, got ${all.length}`)
  const tooLong = all.find(([key, value]) => key.length > 80 || value.length > 120)
  return tooLong === undefined
    ? Result.succeed(definition)
    : no(`A tag has at most 80 characters in its key and 120 in its value: ${tooLong[0]}`)
}
