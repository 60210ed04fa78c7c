/** A few clicks in, a user's features out: all of it in memory, with no account and no network. */
import { FeatureService, TectonSink, TectonSource } from "@effect-connectors/tecton"
import { TectonMemory } from "@effect-connectors/testkit"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

const fraud = FeatureService.make("fraud", {
  joinKeys: { user_id: Schema.String },
  features: { "user_clicks.clicked_sum_1h": Schema.BigInt, "user_profile.country": Schema.String }
})

const program = Effect.gen(function* () {
  const timestamp = DateTime.formatIso(yield* DateTime.now)
  yield* Stream.make("ada", "bob").pipe(
    Stream.map((user_id) => ({ user_id, timestamp, page: "/", clicked: 1 })),
    TectonSink.ingest({ source: "clicks", joinKeys: ["user_id"] }),
    Stream.runDrain
  )
  yield* Stream.make("ada", "eve").pipe(
    TectonSource.features(fraud, { keys: (user_id) => ({ user_id }) }),
    Stream.runForEach(([user, vector]) => Console.log(user, vector["user_clicks.clicked_sum_1h"]))
  )
})

// With TECTON_URL, TECTON_INGEST_URL, TECTON_WORKSPACE and TECTON_API_KEY set: Effect.provide(TectonClient.layerConfig)
program.pipe(Effect.provide(TectonMemory.layer), NodeRuntime.runMain)
