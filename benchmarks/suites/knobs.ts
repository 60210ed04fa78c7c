/** What a knob does to throughput and to the time of a call, and so where it should stand when nobody turns it. */
import type { Contender, Group, Point, Suite } from "../suite.ts"
import { grpcLayer, sdkLayer } from "./upserts.ts"

const upsertRest: Contender = { ...sdkLayer, name: "upsert, REST" }
const upsertGrpc: Contender = { ...grpcLayer, name: "upsert, gRPC" }
const query: Contender = { name: "query", program: "query.ts" }
const features: Contender = { name: "get-features", program: "tecton.ts", settings: { operation: "features" } }
const ingest: Contender = { name: "ingest", program: "tecton.ts", settings: { operation: "ingest" } }

const server = { program: "store.ts" }

interface Knobs {
  readonly batch: number
  readonly concurrency: number
}

/** Calls of a point: enough for a high quantile of their times, and a few turns of all that are in flight. */
const point = (contender: Contender, { batch, concurrency }: Knobs, smoke: boolean): Point => {
  const calls = Math.max(20, 4 * concurrency)
  const most = Math.max(batch, Math.floor(10_000 / batch) * batch)
  const records = smoke ? batch * 2 : Math.min(calls * batch, most)
  const pinecone = contender === features || contender === ingest ? {} : { dimension: 384 }
  return { at: { ...pinecone, batch, concurrency }, amount: { warmUp: Math.ceil(records / 4), timed: records } }
}

const group = (contender: Contender, knobs: ReadonlyArray<Knobs>, smoke: boolean): Group => ({
  label: contender.name,
  server,
  contenders: [contender],
  points: (smoke ? knobs.slice(0, 2) : knobs).map((one) => point(contender, one, smoke))
})

const batches = [1, 10, 100, 200, 1000]
const rowBatches = [1, 5, 10, 50, 200]
const concurrencies = [1, 4, 8, 16, 64]

const server20 =
  "The server, in another process on the same machine, answers after 20 ms and 0.1 ms for each record of a call, whatever it is " +
  "sent. A call's time is that of one attempt, from the encoding of the request to the decoded answer."

export const batchSize: Suite = {
  name: "batch-size",
  title: "Records a call: throughput and the time of a call",
  method:
    `${server20} 8 calls are in flight. Upserts are of 384 dimensions, and calls of more than 2 MB are cut by bytes whatever the ` +
    "number of records. Queries are not here: Pinecone answers one a call.",
  plan: ({ smoke }) => ({
    groups: [
      ...[upsertRest, upsertGrpc, ingest].map((contender) =>
        group(
          contender,
          batches.map((batch) => ({ batch, concurrency: 8 })),
          smoke
        )
      ),
      group(
        features,
        rowBatches.map((batch) => ({ batch, concurrency: 8 })),
        smoke
      )
    ],
    bars: () => []
  })
}

export const concurrency: Suite = {
  name: "concurrency",
  title: "Calls in flight: throughput and the time of a call",
  method:
    `${server20} It takes any number of calls at once, which no service does: beyond what a service is willing to take, more in flight ` +
    "only wait longer or are refused. Batches are the defaults: 100 records an upsert (384 dimensions), 10 an ingest, 5 rows " +
    "a get-features.",
  plan: ({ smoke }) => ({
    groups: (
      [
        [upsertRest, 100],
        [upsertGrpc, 100],
        [query, 1],
        [features, 5],
        [ingest, 10]
      ] as const
    ).map(([contender, batch]) =>
      group(
        contender,
        concurrencies.map((concurrency) => ({ batch, concurrency })),
        smoke
      )
    ),
    bars: () => []
  })
}
