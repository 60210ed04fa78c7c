/**
 * `npm run demo`; `npm run demo -- --help` lists the options.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Corpora from "./corpora.ts"
import { run } from "./demo.ts"
import * as Documents from "./documents.ts"
import { type DocumentsReport, print as printDocuments } from "./documentsReport.ts"
import { Encoder } from "./encoders.ts"
import { count, print, type Report, type Style } from "./report.ts"
import * as Stores from "./stores.ts"

const corpora = {
  small: { corpus: Corpora.webFeatures, encoder: Encoder.useLite },
  large: { corpus: Corpora.wordnet, encoder: Encoder.glove }
} as const

/** What a plane gives: an object for `--json`, and text. */
interface Shown {
  readonly report: Report | DocumentsReport
  readonly print: (style: Style) => string
}

/** The demo on each plane. The index is there before the texts are read, so that what is missing is told at once. */
const planes = {
  vectors: <E, R>(corpus: Effect.Effect<Corpora.Corpus, E, R>, place: Stores.Place, transport: Stores.Transport) =>
    Effect.flatMap(corpus, (corpus) => run(corpus, place)).pipe(
      Effect.map((report): Shown => ({ report, print: (style) => print(report, style) })),
      Effect.provide(Stores.vectors(place, transport))
    ),
  documents: <E, R>(corpus: Effect.Effect<Corpora.Corpus, E, R>, place: Stores.Place) =>
    Effect.flatMap(corpus, (corpus) => Documents.run(corpus, place)).pipe(
      Effect.map((report): Shown => ({ report, print: (style) => printDocuments(report, style) })),
      Effect.provide(Stores.documents(place))
    )
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
    plane: Flag.Literals("plane", ["vectors", "documents"]).pipe(
      Flag.withDescription(
        "vectors (default); documents: names and texts are found by their words, by meaning and by both together, side by side"
      ),
      Flag.withDefault("vectors")
    ),
    store: Flag.Literals("store", ["memory", "emulator", "pinecone"]).pipe(
      Flag.withDescription(
        "memory (default); emulator: over HTTP to one in this process; pinecone: an index of that dimension and metric cosine. Needs PINECONE_API_KEY, and " +
          `PINECONE_INDEX or PINECONE_INDEX_HOST (documents: PINECONE_INDEX). The records stay there, in the namespace ${Stores.namespace}`
      ),
      Flag.withDefault("memory")
    ),
    transport: Flag.Literals("transport", ["rest", "grpc"]).pipe(
      Flag.withDescription(
        "rest (default): by the official SDK; grpc: vectors as packed float32. Not for --store memory, nor for --plane documents"
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
  Effect.fnUntraced(function* ({ corpus: size, json, limit, plane, store: place, transport }) {
    const by = Option.getOrElse(transport, () => "rest" as const)
    if (plane === "documents" && by === "grpc") {
      return yield* Stores.userError("--transport grpc is for --plane vectors: documents travel by REST alone")
    }
    if (place === "memory" && Option.isSome(transport)) {
      return yield* Stores.userError(
        "--transport needs --store emulator or --store pinecone: nothing travels to a store in memory"
      )
    }
    const corpus = Effect.gen(function* () {
      const all = yield* corpora[size].corpus
      const corpus = Option.match(limit, { onNone: () => all, onSome: (n) => Corpora.take(all, n) })
      const encoder = yield* Encoder
      yield* Console.error(
        `${count(corpus.texts.length)} texts of ${corpus.name}, embedded by ${encoder.name} (${encoder.dimension} numbers), into: ${Stores.label(place, by)}`
      )
      return corpus
    })
    const { print, report } = yield* planes[plane](corpus, place, by).pipe(
      Effect.provide(corpora[size].encoder),
      Effect.mapError(Stores.userError)
    )
    const { canColor } = yield* TerminalCapabilities
    const columns = process.stdout.isTTY ? process.stdout.columns || 80 : 110
    yield* Console.log(json ? JSON.stringify(report) : `\n${print({ columns, color: canColor })}`)
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
