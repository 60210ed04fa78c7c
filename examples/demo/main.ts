/**
 * `npm run demo`; `npm run demo -- --help` lists the options.
 */
import { type PineconeApi, type PineconeError, PineconeGrpc, PineconeIndex } from "@effect-connectors/pinecone"
import { PineconeEmulator, PineconeMemory } from "@effect-connectors/testkit"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Corpora from "./corpora.ts"
import { run } from "./demo.ts"
import { Encoder } from "./encoders.ts"
import { count, print } from "./report.ts"

/** Every failure is told to the user in a line, without a stack. */
const userError = (cause: unknown) => new CliError.UserError({ cause })

const missingVariables = Effect.gen(function* () {
  const isMissing = (name: string) => Effect.map(Config.option(Config.String(name)), Option.isNone)
  const key = yield* isMissing("PINECONE_API_KEY")
  const index = (yield* isMissing("PINECONE_INDEX")) && (yield* isMissing("PINECONE_INDEX_HOST"))
  return [...(key ? ["PINECONE_API_KEY"] : []), ...(index ? ["PINECONE_INDEX or PINECONE_INDEX_HOST"] : [])]
})

const namespace = "effect-connectors-demo"

/** How calls travel to an index that is not in memory. */
const transports = {
  rest: { layer: PineconeIndex.layer, label: "the official SDK" },
  grpc: { layer: PineconeGrpc.layer, label: "gRPC" }
} as const

type IndexLayer = (options: PineconeApi.Options) => Layer.Layer<PineconeIndex, PineconeError>

/** The live index in a namespace of the demo's own, or what has to be set for it. */
const pinecone = (layer: IndexLayer) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const missing = yield* missingVariables
      if (missing.length > 0) {
        return yield* userError(`--store pinecone needs ${missing.join(" and ")} in the environment`)
      }
      return layer({ ...(yield* PineconeIndex.config), namespace })
    })
  )

/** An index of the encoder's dimension in an emulator in this process, through a real client. */
const emulator = (layer: IndexLayer) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { createIndex } = yield* PineconeEmulator
      const { dimension } = yield* Encoder
      const { host } = yield* createIndex({ name: "demo", dimension })
      return layer({ apiKey: Redacted.make("any"), host })
    })
  ).pipe(Layer.provide(PineconeEmulator.layer))

const corpora = {
  small: { corpus: Corpora.webFeatures, encoder: Encoder.useLite },
  large: { corpus: Corpora.wordnet, encoder: Encoder.glove }
} as const

const stores = {
  memory: { layer: () => PineconeMemory.layer, label: () => "memory" },
  emulator: { layer: emulator, label: (transport: string) => `the emulator through ${transport}` },
  pinecone: { layer: pinecone, label: (transport: string) => `Pinecone through ${transport}, namespace ${namespace}` }
} as const

const command = Command.make(
  "demo",
  {
    corpus: Flag.Literals("corpus", ["small", "large"]).pipe(
      Flag.withDescription(
        "small (default): 1,204 texts and a neural model, dimension 512; large: 117,791 texts and word vectors, dimension 100"
      ),
      Flag.withDefault("small")
    ),
    store: Flag.Literals("store", ["memory", "emulator", "pinecone"]).pipe(
      Flag.withDescription(
        "memory (default); emulator: over HTTP to one in this process; pinecone: an index of that dimension and metric cosine. Needs PINECONE_API_KEY, and " +
          `PINECONE_INDEX or PINECONE_INDEX_HOST. The records stay there, in the namespace ${namespace}`
      ),
      Flag.withDefault("memory")
    ),
    transport: Flag.Literals("transport", ["rest", "grpc"]).pipe(
      Flag.withDescription(
        "rest (default): by the official SDK; grpc: vectors as packed float32. Not for --store memory"
      ),
      Flag.optional
    ),
    limit: Flag.Int("limit").pipe(
      Flag.withDescription(
        "Only so many texts of the corpus, the first ones, and the questions they answer (default: all)"
      ),
      Flag.filter(
        (limit) => limit >= 1,
        () => "1 or more"
      ),
      Flag.optional
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print one JSON object on stdout and nothing else there (default: off)"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* ({ corpus: size, json, limit, store: place, transport }) {
    if (place === "memory" && Option.isSome(transport)) {
      return yield* userError(
        "--transport needs --store emulator or --store pinecone: nothing travels to a store in memory"
      )
    }
    const by = transports[Option.getOrElse(transport, () => "rest" as const)]
    const label = stores[place].label(by.label)
    const layer = stores[place].layer(by.layer)
    const { canColor } = yield* TerminalCapabilities
    const report = yield* Effect.gen(function* () {
      const all = yield* corpora[size].corpus
      const corpus = Option.match(limit, { onNone: () => all, onSome: (n) => Corpora.take(all, n) })
      const encoder = yield* Encoder
      yield* Console.error(
        `${count(corpus.texts.length)} texts of ${corpus.name}, embedded by ${encoder.name} (${encoder.dimension} numbers), into: ${label}`
      )
      return yield* run(corpus, place)
    }).pipe(Effect.provide(Layer.provideMerge(layer, corpora[size].encoder)), Effect.mapError(userError))
    const columns = process.stdout.isTTY ? process.stdout.columns || 80 : 110
    yield* Console.log(json ? JSON.stringify(report) : `\n${print(report, { columns, color: canColor })}`)
  })
).pipe(Command.withDescription("Embeds texts, writes them to an index, and asks it questions."))

// What the command has not told the user itself is logged here, where logs go to stderr; `runMain` would use stdout.
const report = Effect.tapCause((cause: Cause.Cause<unknown>) =>
  Cause.hasInterruptsOnly(cause) || !Runtime.getErrorReported(Cause.squash(cause))
    ? Effect.void
    : Effect.logError(cause)
)

Command.run(command, { version: "0.1.0" }).pipe(
  report,
  Effect.provide(NodeServices.layer),
  Effect.provideService(Logger.LogToStderr, true),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
