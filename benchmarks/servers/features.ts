/** Tecton's batches of lookups, with values that differ, and its ingest. Answers are made once and sent again and again. */
import * as Schema from "effect/Schema"
import * as http from "node:http"
import { type Feature, featuresOf } from "../featureRows.ts"
import { later } from "./reply.ts"
import { listen, serve } from "./serve.ts"

const Options = Schema.Record(Schema.String, Schema.Boolean)

const decodeLookups = Schema.decodeSync(
  Schema.fromJsonString(
    Schema.Struct({
      params: Schema.Struct({
        featureServiceName: Schema.String,
        requestData: Schema.Array(Schema.Unknown),
        metadataOptions: Options
      })
    })
  )
)

const decodeQuestion = Schema.decodeSync(
  Schema.fromJsonString(Schema.Struct({ params: Schema.Struct({ featureServiceName: Schema.String }) }))
)

/** One value in 37 is missing. */
const isMissing = (row: number, i: number): boolean => (row * 31 + i) % 37 === 0

const valueOf = (row: number, i: number, { type }: Feature): unknown => {
  const number = (row * 7919 + i * 104_729) % 1_000_003
  if (isMissing(row, i)) return null
  if (type === "int64") return String(number)
  if (type === "float64") return number / 977
  return type === "string" ? `value-${number % 997}` : number % 2 === 0
}

const vectors = (
  rows: number,
  features: ReadonlyArray<Feature>,
  options: typeof Options.Type,
  turn: number
): string => {
  const numbers = Array.from({ length: rows }, (_, row) => row + turn * 16)
  return JSON.stringify({
    result: numbers.map((row) => ({ features: features.map((feature, i) => valueOf(row, i, feature)) })),
    metadata: {
      features: features.map(({ name, type }, i) => ({
        ...(options["includeNames"] === true ? { name } : {}),
        ...(options["includeDataTypes"] === true ? { dataType: { type } } : {}),
        ...(options["includeEffectiveTimes"] === true
          ? { effectiveTime: `2026-01-01T0${Math.floor(i / 10) % 10}:00:00Z` }
          : {}),
        ...(options["includeServingStatus"] === true
          ? { status: numbers.map((row) => (isMissing(row, i) ? "MISSING_DATA" : "PRESENT")) }
          : {})
      }))
    }
  })
}

const turns = 4
const known = new Map<string, ReadonlyArray<Buffer>>()
let asked = 0

const metadataOf = (service: string): Buffer =>
  Buffer.from(
    JSON.stringify({
      featureServiceType: "DEFAULT",
      inputJoinKeys: [{ name: "user_id", dataType: { type: "string" } }],
      featureValues: featuresOf(Number(service)).map(({ name, type }) => ({ name, dataType: { type } }))
    })
  )

/** A service is called by the number of its features. */
const answerTo = (path: string, body: string): Buffer => {
  if (path === "/ingest") return Buffer.from("{}")
  if (path.endsWith("/metadata")) return metadataOf(decodeQuestion(body).params.featureServiceName)
  const { featureServiceName, metadataOptions, requestData } = decodeLookups(body).params
  const key = JSON.stringify([featureServiceName, requestData.length, metadataOptions])
  const features = featuresOf(Number(featureServiceName))
  const answers =
    known.get(key) ??
    Array.from({ length: turns }, (_, turn) =>
      Buffer.from(vectors(requestData.length, features, metadataOptions, turn))
    )
  known.set(key, answers)
  return answers[asked++ % turns] ?? Buffer.alloc(0)
}

const accept = (latencyMillis: number): http.Server => {
  const server = http.createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const answer = answerTo(request.url ?? "", Buffer.concat(chunks).toString())
      later(latencyMillis, () => {
        response.writeHead(200, { "content-type": "application/json", "content-length": answer.length }).end(answer)
      })
    })
  })
  server.keepAliveTimeout = 60_000
  return server
}

await serve(async () => ({ "0": await listen(accept(0)), "20": await listen(accept(20)) }))
