/** Where the features are, with a clock that the program sets: the past runs again in its own time. */
import { TectonClient, type TectonError } from "@effect-connectors/tecton"
import { TectonEmulator, TectonMemory } from "@effect-connectors/testkit"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { workspace } from "./features.ts"

/** The clock of the feature store. */
export class StoreClock extends Context.Service<
  StoreClock,
  { readonly set: (epochMillis: number) => Effect.Effect<void> }
>()("@effect-connectors/examples/training-set/StoreClock") {}

/** In memory. */
export const memory: Layer.Layer<TectonClient | StoreClock> = Layer.unwrap(
  Effect.map(TestClock.make(), (clock) =>
    Layer.merge(
      Layer.provide(TectonMemory.layerWith({ definition: workspace }), Layer.succeed(Clock.Clock, clock)),
      Layer.succeed(StoreClock, { set: clock.setTime })
    )
  )
)

/** Over HTTP, by the client that programs use with Tecton, to an emulator in this process. */
export const emulator: Layer.Layer<TectonClient | StoreClock, TectonError> = Layer.unwrap(
  Effect.map(TectonEmulator, ({ clock, url }) =>
    Layer.merge(
      TectonClient.layer({ url, ingestUrl: url, workspace: "prod", apiKey: Redacted.make("test-key") }),
      Layer.succeed(StoreClock, { set: clock.set })
    )
  )
).pipe(Layer.provide(TectonEmulator.layerWith({ workspaces: { prod: workspace } })))
