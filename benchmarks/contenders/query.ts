/** `PineconeSource.query`: ten neighbours with their metadata for each vector. */
import { PineconeIndex, PineconeSource } from "@effect-connectors/pinecone"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { take, vectors } from "../load.ts"
import { contend } from "./contend.ts"
import { stopwatch } from "./stopwatch.ts"
import { addressOf } from "./upsertPoint.ts"

await contend(async (task) => {
  const watch = stopwatch()
  const timedCalls = Layer.effect(
    PineconeIndex,
    Effect.map(PineconeIndex, (index) => ({ ...index, query: watch.timed(index.query) }))
  )
  const layer = PineconeIndex.layer({
    apiKey: Redacted.make("any"),
    host: addressOf(task, "rest"),
    pacing: { rates: {} }
  })
  const runtime = ManagedRuntime.make(Layer.provide(timedCalls, layer))
  await runtime.context()
  const questions = vectors(Number(task.at["dimension"]), 200)
  const query = PineconeSource.query({
    vector: (vector: ReadonlyArray<number>) => vector,
    topK: 10,
    concurrency: Number(task.at["concurrency"])
  })
  return {
    run: async (count) => {
      watch.reset()
      await runtime.runPromise(Stream.runDrain(query(Stream.fromIterable(take(questions, count)))))
      return { callMillis: watch.millis() }
    },
    close: () => runtime.dispose()
  }
})
