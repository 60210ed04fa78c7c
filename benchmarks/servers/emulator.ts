/** The Pinecone emulator with one index, of the setting `dimension`. */
import { PineconeEmulator } from "@effect-connectors/testkit"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { serve } from "./serve.ts"

await serve(({ dimension }) =>
  Effect.gen(function* () {
    const emulator = yield* PineconeEmulator.make()
    const { host } = yield* emulator.createIndex({ name: "bench", dimension: Number(dimension) })
    return { "rest-0": host, "grpc-0": host }
  }).pipe(Effect.provideService(Scope.Scope, Scope.makeUnsafe()), Effect.runPromise)
)
