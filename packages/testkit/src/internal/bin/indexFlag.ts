/** The flag `--index`: an index to make, of vectors, of documents or for a model. */
import * as CliError from "effect/cli/CliError"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { readFile } from "node:fs/promises"
import type { IndexModel, IndexOptions } from "../../PineconeEmulator.ts"
import { type DocumentSchema, readGiven } from "../documents/givenSchema.ts"
import { Metrics } from "../documents/schema.ts"
import { embeddingModel } from "../records/embedding.ts"

/** What an index is made as, or what should be there instead. */
type Parsed<A> = Result.Result<A, string>

const forms =
  "name:dimension[:metric], name:sparse, name:documents=FILE.json or name:model=MODEL[,field=FIELD][,dimension=N][,metric=METRIC]"

const metrics = Metrics.literals
const isMetric = Schema.is(Metrics)
const isNumber = (text: string): boolean => /^[0-9]+$/.test(text)

const vectors = (name: string, shape: string): Parsed<IndexOptions> => {
  const [dimension = "", metric = "cosine", ...rest] = shape.split(":")
  if (shape === "sparse") return Result.succeed({ name, vectorType: "sparse" })
  if (!isNumber(dimension) || rest.length > 0) return Result.fail(forms)
  return isMetric(metric)
    ? Result.succeed({ name, dimension: Number(dimension), metric })
    : Result.fail(`a metric, which is ${metrics.join(", ")}`)
}

/** `model=MODEL,field=FIELD`: settings by name, each once. */
const ofModel = (shape: string): Parsed<IndexModel> => {
  const given = shape.split(",").map((part): [string, string] => {
    const at = part.indexOf("=")
    return [part.slice(0, at < 0 ? undefined : at), at < 0 ? "" : part.slice(at + 1)]
  })
  const settings = new Map(given)
  const wrong = given.find(([key, value]) => value === "" || !["model", "field", "dimension", "metric"].includes(key))
  if (wrong !== undefined) {
    return Result.fail(`model, field, dimension or metric with a value, like field=text, and not "${wrong[0]}"`)
  }
  if (settings.size < given.length) return Result.fail("each of model, field, dimension and metric once")
  const dimension = settings.get("dimension")
  const metric = settings.get("metric")
  if (dimension !== undefined && !isNumber(dimension)) return Result.fail("a dimension that is a whole number")
  if (metric !== undefined && !isMetric(metric)) return Result.fail(`a metric, which is ${metrics.join(", ")}`)
  const model = settings.get("model")
  if (model === undefined) return Result.fail(forms)
  return Result.mapBoth(embeddingModel(model), {
    onFailure: ({ detail }) => `a model that there is. ${detail}`,
    onSuccess: () => ({
      model,
      field: settings.get("field"),
      dimension: dimension === undefined ? undefined : Number(dimension),
      metric
    })
  })
}

const described = { description: Schema.optional(Schema.String) }

/** A schema as the official client takes it. */
const CreateSchema = Schema.Struct({
  fields: Schema.Record(
    Schema.String,
    Schema.Union([
      Schema.Struct({
        type: Schema.Literal("dense_vector"),
        dimension: Schema.Finite,
        metric: Metrics.pipe(Schema.withDecodingDefaultKey(Effect.succeed("cosine" as const))),
        ...described
      }),
      Schema.Struct({ type: Schema.Literal("sparse_vector"), ...described }),
      Schema.Struct({
        type: Schema.Literal("string"),
        fullTextSearch: Schema.Struct({
          language: Schema.optional(Schema.String),
          stemming: Schema.optional(Schema.Boolean),
          stopWords: Schema.optional(Schema.Boolean),
          ngram: Schema.optional(
            Schema.Struct({
              minGram: Schema.Finite,
              maxGram: Schema.Finite,
              prefixOnly: Schema.optional(Schema.Boolean)
            })
          )
        }),
        ...described
      })
    ])
  )
})

const decode = Schema.decodeUnknownSync(CreateSchema, { onExcessProperty: "error" })

/** Names of settings as the official client has them, whether they came as those or as those of the wire. */
const named = (value: unknown): unknown =>
  Predicate.isReadonlyObject(value)
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([, setting]) => setting !== null)
          .map(([name, setting]) => [
            name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
            named(setting)
          ])
      )
    : value

/** A schema, or a body that makes an index with one. */
const schemaOf = (json: unknown): DocumentSchema => {
  const schema = Predicate.hasProperty(json, "schema") ? json.schema : json
  if (!Predicate.hasProperty(schema, "fields") || !Predicate.isReadonlyObject(schema.fields)) {
    throw new Error("it has no fields")
  }
  const fields = Object.entries(schema.fields).map(([name, field]) => [name, named(field)])
  return decode({ fields: Object.fromEntries(fields) })
}

const example = '{"fields":{"title":{"type":"string","full_text_search":{}}}}'

const readSchema = (file: string): Effect.Effect<DocumentSchema, string> =>
  Effect.tryPromise({
    try: async () => schemaOf(JSON.parse(await readFile(file, "utf8"))),
    catch: (error) => (error instanceof Error ? error.message : String(error))
  }).pipe(
    Effect.tap((schema) => Effect.mapError(Effect.fromResult(readGiven(schema)), ({ detail }) => detail)),
    Effect.mapError(
      (issue) => `a file with the schema of documents, like ${example}. ${issue.replaceAll(/\s*\n\s*/g, " ")}`
    )
  )

const documents = "documents="

const parse = (text: string): Effect.Effect<IndexOptions, string> => {
  const at = text.indexOf(":")
  const name = text.slice(0, Math.max(at, 0))
  const shape = text.slice(at + 1)
  if (name === "") return Effect.fail(forms)
  const file = shape.startsWith(documents) ? shape.slice(documents.length) : ""
  if (file !== "") return Effect.map(readSchema(file), (schema) => ({ name, schema }))
  return Effect.fromResult(
    /^(model|field|dimension|metric)=/.test(shape)
      ? Result.map(ofModel(shape), (embed) => ({ name, embed }))
      : vectors(name, shape)
  )
}

/** The indexes that are asked for. */
export const indexFlag = Flag.String("index").pipe(
  Flag.withDescription(
    "Make an index that is not there: of vectors name:dimension[:metric] or name:sparse, of documents " +
      "name:documents=FILE.json with their schema, for a model name:model=MODEL[,field=FIELD]; can be repeated"
  ),
  Flag.mapEffect((value) =>
    Effect.mapError(
      parse(value),
      (expected) => new CliError.InvalidValue({ option: "index", value, expected, kind: "flag" })
    )
  ),
  Flag.atLeast(0)
)
