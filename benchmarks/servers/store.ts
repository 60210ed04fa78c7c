/**
 * Stores that take a while: 20 ms for a call and 0.1 ms for each record of it, as far as they are asked for anything.
 * Pinecone's upserts (REST, gRPC) and queries at `rest` and `grpc`, Tecton's batches of lookups and its ingest at `tecton`.
 */
import { acceptGrpc } from "./grpc.ts"
import { acceptRest } from "./rest.ts"
import { listen, serve } from "./serve.ts"
import { acceptTecton } from "./tecton.ts"

const afterMillis = (records: number): number => 20 + 0.1 * records

const matches = Array.from({ length: 10 }, (_, i) => ({
  id: `match-${i}`,
  score: 1 - i / 100,
  metadata: { title: `A title of some words, number ${i}`, genre: "drama", year: 1990 + i, score: i / 10 }
}))

const query = JSON.stringify({ matches, namespace: "", usage: { readUnits: 5 } })

await serve(async () => ({
  "rest-0": await listen(acceptRest({ afterMillis, counted: true }, { "/query": query })),
  "grpc-0": await listen(acceptGrpc({ afterMillis, counted: true })),
  tecton: await listen(acceptTecton(afterMillis))
}))
