/** `PineconeReranker` on the official SDK, which writes the address and headers; the body is ours. */
import * as Pacing from "@effect-connectors/core/Pacing"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { inference } from "../PineconePacing.ts"
import type { Options, RerankFields, RerankReply, RerankRequest, Service } from "../PineconeReranker.ts"
import { checkRange, failure } from "./common.ts"
import { valueOf } from "./received.ts"
import { checkRanked, checkRerank, rankFieldsOf, wantedOf } from "./rerankChecks.ts"
import { loadClients, makeSend } from "./sdkCalls.ts"
import { resolveCalls } from "./sdkOptions.ts"
import { reads, type Reply } from "./sdkReplies.ts"
import { makeCall } from "./serviceCalls.ts"

/** Documents of a call: assumed, since nothing that was read for this names them. */
const assumedMax: ReadonlyMap<string, number> = new Map([
  ["bge-reranker-v2-m3", 100],
  ["cohere-rerank-3.5", 200],
  ["pinecone-rerank-v0", 100]
])

const reranked: Reply<RerankReply> = reads(
  Schema.Struct({
    data: Schema.Array(
      Schema.Struct({
        index: Schema.Int,
        score: Schema.Finite,
        document: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown)))
      })
    ),
    usage: Schema.optionalKey(Schema.Struct({ rerank_units: Schema.optionalKey(Schema.Finite) }))
  }),
  ({ data, usage }) => ({
    ranked: data.map(({ document, index, score }) => ({ index, score, ...(document ? { document } : {}) })),
    rerankUnits: usage?.rerank_units
  })
)

/** The SDK wants some documents to write a request of. */
const standIn = { query: "-", documents: ["-"] }

const bodyOf = (request: RerankRequest, documents: ReadonlyArray<RerankFields>): string =>
  JSON.stringify({
    model: request.model,
    query: request.query,
    top_n: wantedOf(request, documents.length),
    return_documents: request.returnDocuments ?? false,
    rank_fields: rankFieldsOf(request),
    documents,
    parameters: request.parameters ?? {}
  })

/** The service, its options checked. */
export const make = Effect.fnUntraced(function* (options: Options) {
  yield* checkRange("layer", "maxDocuments", options.maxDocuments)
  const settings = yield* Effect.mapError(resolveCalls(options), (reason) => failure("layer", undefined, reason))
  const pacing = yield* Effect.mapError(Pacing.resolve(options.pacing, inference), (reason) =>
    failure("layer", undefined, reason)
  )
  const clients = yield* loadClients(settings)
  const sendCall = makeSend(settings, clients.exchange, "")
  const call = makeCall(settings)
  const maxDocuments = (model: string) => options.maxDocuments ?? assumedMax.get(model)

  const send = Effect.fnUntraced(function* (request: RerankRequest) {
    const { model } = request
    const documents = yield* Effect.fromResult(checkRerank(request, maxDocuments(model)))
    const reply = valueOf(
      yield* sendCall({
        model,
        write: (fetchApi) => clients.inference(fetchApi).rerank({ ...standIn, model }),
        body: bodyOf(request, documents),
        reply: reranked
      })
    )
    yield* Effect.fromResult(checkRanked(reply.ranked, request, documents.length))
    return reply
  })

  const service: Service = { maxDocuments, pacing, rerank: (request) => call("rerank", undefined, send(request)) }
  return service
})
