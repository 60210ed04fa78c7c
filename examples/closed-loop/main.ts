/**
 * `npm run example:closed-loop`: what browsers can do, 1,204 items. Their features are read, embedded, searched, and
 * their neighbours pushed back as a feature. `-- --emulator` runs the same over HTTP.
 */
import { PineconeIndex } from "@effect-connectors/pinecone"
import { TectonClient } from "@effect-connectors/tecton"
import { PineconeEmulator, PineconeMemory, TectonEmulator, TectonMemory } from "@effect-connectors/testkit"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Corpora from "../demo/corpora.ts"
import { Encoder } from "../demo/encoders.ts"
import { workspace } from "./features.ts"
import { run } from "./loop.ts"

/** Every failure is told to the user in a line, without a stack. */
const userError = (cause: unknown) => new CliError.UserError({ cause })

const memory = Layer.merge(TectonMemory.layerWith({ definition: workspace }), PineconeMemory.layer)

/** Both over HTTP, by the clients that programs use with Tecton and Pinecone. With accounts only this changes. */
const emulators = Layer.unwrap(
  Effect.gen(function* () {
    const { url } = yield* TectonEmulator
    const { createIndex } = yield* PineconeEmulator
    const { dimension } = yield* Encoder
    const { host } = yield* createIndex({ name: "items", dimension })
    const apiKey = Redacted.make("test-key")
    return Layer.merge(
      TectonClient.layer({ url, ingestUrl: url, workspace: "prod", apiKey }),
      PineconeIndex.layer({ apiKey, host })
    )
  })
).pipe(Layer.provide([TectonEmulator.layerWith({ workspaces: { prod: workspace } }), PineconeEmulator.layer]))

/** Items to show, with their neighbours. */
const shown = ["dark-mode", "grid", "clipboard", "audio", "container-queries", "promise"]

const command = Command.make(
  "closed-loop",
  {
    emulator: Flag.Boolean("emulator").pipe(
      Flag.withDescription("Over HTTP, to emulators of Tecton and Pinecone in this process (default: in memory)"),
      Flag.withDefault(false)
    ),
    limit: Flag.Int("limit").pipe(
      Flag.withDescription("Only so many items, the first ones (default: all)"),
      Flag.filter(
        (limit) => limit >= 1,
        () => "1 or more"
      ),
      Flag.withDefault(Infinity)
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print one JSON object on stdout and nothing else there (default: off)"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* ({ emulator, json, limit }) {
    yield* Console.error(emulator ? "through the emulators" : "in memory")
    const { neighbours, report } = yield* Effect.gen(function* () {
      const { texts } = yield* Corpora.webFeatures
      return yield* run(texts.slice(0, limit), Console.error)
    }).pipe(
      Effect.provide(Layer.provideMerge(emulator ? emulators : memory, Encoder.glove)),
      Effect.mapError(userError)
    )
    const { items, readBack, written } = report
    const examples = neighbours.filter(({ item }, i) => shown.includes(item) || i < 2)
    const lines = examples.map(({ item, similar }) => `${item}: ${similar.join(", ")}`)
    yield* Console.log(
      json
        ? JSON.stringify(report)
        : `\n${lines.join("\n")}\n\n${items} items, ${written} written, ${readBack} read back as they were written`
    )
    if (readBack !== items || written !== items) return yield* userError("the loop lost something on its way")
  })
).pipe(Command.withDescription("Reads features, embeds them, finds neighbours, and pushes these back as features."))

Command.run(command, { version: "0.1.0" }).pipe(
  Effect.provide(NodeServices.layer),
  Effect.provideService(Logger.LogToStderr, true),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
