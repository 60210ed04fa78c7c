/** A few records in, the nearest ones out: all of it in memory, with no account and no network. */
import { PineconeSink, PineconeSource } from "@effect-connectors/pinecone"
import { PineconeMemory } from "@effect-connectors/testkit"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

// How sweet, how sour and how large a fruit is.
const fruits = Stream.make(
  { id: "cherry", values: [0.8, 0.4, 0.1] },
  { id: "lemon", values: [0.1, 0.9, 0.3] },
  { id: "melon", values: [0.7, 0.1, 0.9] }
)
const lime = { name: "lime", values: [0.1, 0.8, 0.2] }

const program = Effect.gen(function* () {
  yield* fruits.pipe(PineconeSink.upsert(), Stream.runDrain)
  yield* Stream.make(lime).pipe(
    PineconeSource.query({ vector: (fruit) => fruit.values, topK: 2 }),
    Stream.flatMap(([, matches]) => Stream.fromIterable(matches)),
    Stream.runForEach((match) => Console.log(`${lime.name} is like ${match.id}: ${match.score.toFixed(3)}`))
  )
})

// With PINECONE_API_KEY and PINECONE_INDEX set: Effect.provide(PineconeIndex.layerConfig)
program.pipe(Effect.provide(PineconeMemory.layer), NodeRuntime.runMain)
