/** Tecton's batches of lookups and its ingest, for a service of eight features whose values are all the same. */
import * as Schema from "effect/Schema"
import * as http from "node:http"
import { later } from "./reply.ts"

const List = Schema.Array(Schema.Unknown)

const Lookups = Schema.fromJsonString(Schema.Struct({ params: Schema.Struct({ requestData: List }) }))
const Ingest = Schema.fromJsonString(Schema.Struct({ records: Schema.Record(Schema.String, List) }))

/** Named as `contenders/features.ts` declares them. */
const features = Array.from({ length: 8 }, (_, i) => ({
  name: `user_clicks.mean_${i}`,
  dataType: { type: "float64" },
  status: "PRESENT",
  effectiveTime: "2026-01-01T00:00:00Z"
}))
const row = JSON.stringify({ features: features.map((_, i) => i + 0.25) })

const vectors = (count: number): string => {
  const rows = Array.from({ length: count }, () => row).join(",")
  const columns = features.map((feature) => ({
    ...feature,
    status: Array.from({ length: count }, () => feature.status)
  }))
  return `{"result":[${rows}],"metadata":${JSON.stringify({ features: columns })}}`
}

/** Records of a call and the answer to it. */
const answerTo = (path: string, body: string): readonly [records: number, answer: string] => {
  if (path === "/ingest") {
    const { records } = Schema.decodeSync(Ingest)(body)
    return [Object.values(records).reduce((sum, { length }) => sum + length, 0), "{}"]
  }
  // A lookup alone goes out on a path of its own.
  if (path === "/api/v1/feature-service/get-features") {
    const alone = { features: features.map((_, i) => i + 0.25) }
    return [1, JSON.stringify({ result: alone, metadata: { features } })]
  }
  const { length } = Schema.decodeSync(Lookups)(body).params.requestData
  return [length, vectors(length)]
}

export const acceptTecton = (afterMillis: (records: number) => number): http.Server => {
  const server = http.createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const [records, answer] = answerTo(request.url ?? "", Buffer.concat(chunks).toString())
      later(afterMillis(records), () => {
        response.writeHead(200, { "content-type": "application/json" }).end(answer)
      })
    })
  })
  server.keepAliveTimeout = 60_000
  return server
}
