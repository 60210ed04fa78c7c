/**
 * A Pinecone emulator with an index of some records, which answers each call after a time. The address `index` serves REST
 * and gRPC. Settings: `dimension`; `records`, spread evenly over ids that begin with each of `prefixes` numbers; `latencyMillis`; and
 * `upsertsPerSecond`, over which it refuses.
 */
import { PineconeGrpc, PineconeSink } from "@effect-connectors/pinecone"
import { FaultPlan, PineconeEmulator } from "@effect-connectors/testkit"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { idOf } from "../ids.ts"
import { vectors } from "../load.ts"
import type { Settings } from "../suite.ts"
import { serve } from "./serve.ts"

const records = ({ dimension, prefixes, records }: Settings) => {
  const values = vectors(Number(dimension))
  return Array.from({ length: Number(records ?? 0) }, (_, i) => ({
    id: idOf(i, Number(prefixes ?? 1)),
    values: values[i % values.length] ?? [],
    metadata: { title: `A title of some words, number ${i}`, genre: "drama", year: 1950 + (i % 75), score: i / 1000 }
  }))
}

const start = Effect.fnUntraced(function* (settings: Settings) {
  const quota = Number(settings["upsertsPerSecond"] ?? Infinity)
  const emulator = yield* PineconeEmulator.make({ quotas: { upsertRequestsPerNamespace: quota } })
  const { host } = yield* emulator.createIndex({ name: "bench", dimension: Number(settings["dimension"]) })
  const layer = PineconeGrpc.layer({ apiKey: Redacted.make("any"), host, pacing: false })
  yield* Stream.fromIterable(records(settings), { chunkSize: 1000 }).pipe(
    PineconeSink.upsert({ maxRecords: 1000 }),
    Stream.runDrain,
    Effect.provide(layer)
  )
  const latency = Number(settings["latencyMillis"] ?? 0)
  if (latency > 0) {
    const slow = { name: "latency", when: FaultPlan.always, fault: FaultPlan.stall(latency) }
    yield* emulator.faults.replace(FaultPlan.make([slow]))
  }
  return { index: host }
})

// The emulator is there until the process ends.
const forever = Scope.makeUnsafe()

await serve((settings) => Effect.runPromise(Scope.provide(start(settings), forever)))
