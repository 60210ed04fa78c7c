/**
 * The main job, end to end: texts are embedded, written to an index as they come, and questions asked of it.
 *
 * `npm run demo -- --help` lists the options.
 */
import { Outcome, Progress } from "@effect-connectors/core"
import { PineconeIndex, PineconeSink, PineconeSource } from "@effect-connectors/pinecone"
import { PineconeMemory } from "@effect-connectors/testkit"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Corpora from "./corpora.ts"
import { Encoder } from "./encoders.ts"
import * as ProgressDisplay from "./progress.ts"
import { mean, recall, type Vectors } from "./recall.ts"
import { type Answer, print, type Report } from "./report.ts"

const topK = 5

/** Embeds and writes all texts, and keeps their vectors to compare with. */
const load = Effect.fnUntraced(function* (corpus: Corpora.Corpus) {
  const encoder = yield* Encoder
  const progress = yield* Progress.make
  const display = yield* Effect.forkChild(ProgressDisplay.show(progress, "embedding and writing", corpus.texts.length))
  const vectors = new Map<string, Float32Array>()
  const start = yield* Clock.currentTimeMillis
  const outcomes = yield* Stream.fromIterable(corpus.texts).pipe(
    Stream.grouped(encoder.batch),
    Stream.mapEffect(
      (texts) =>
        Effect.map(encoder.embed(texts.map(({ text }) => text)), (embedded) =>
          texts.map(({ id, metadata, text }, i) => ({ id, values: embedded[i]!, metadata: { ...metadata, text } }))
        ),
      { concurrency: encoder.concurrency }
    ),
    Stream.flattenIterable,
    Stream.tap((record) => Effect.sync(() => vectors.set(record.id, record.values))),
    PineconeSink.upsertOutcomes(),
    progress.track,
    Stream.run(Outcome.count)
  )
  yield* Fiber.join(display)
  const loadSeconds = ((yield* Clock.currentTimeMillis) - start) / 1000
  return { vectors, outcomes, loadSeconds }
})

/** A live index shows what was written a little later. */
const untilReadable = (records: number) =>
  Effect.gen(function* () {
    const index = yield* PineconeIndex
    const stats = yield* index.stats
    return (stats.namespaces.get(index.namespace) ?? 0) >= records
  }).pipe(
    Effect.repeat(
      Schedule.spaced("1 second").pipe(
        Schedule.while(({ input }) => !input),
        Schedule.upTo({ duration: "1 minute" })
      )
    )
  )

/** Asks questions and gives the answers in their order. */
const ask = Effect.fnUntraced(function* (questions: ReadonlyArray<string>) {
  const encoder = yield* Encoder
  return yield* Stream.fromIterable(questions).pipe(
    Stream.grouped(encoder.batch),
    Stream.mapEffect(
      (texts) =>
        Effect.map(encoder.embed(texts), (embedded) => texts.map((text, i) => ({ text, vector: embedded[i]! }))),
      { concurrency: encoder.concurrency }
    ),
    Stream.flattenIterable,
    PineconeSource.query({ vector: (question) => question.vector, topK }),
    Stream.runCollect
  )
})

const share = (vectors: Vectors, answers: ReadonlyArray<Answer>): number =>
  mean(
    answers.map(([{ vector }, matches]) =>
      recall(
        vectors,
        vector,
        matches.map(({ id }) => id)
      )
    )
  )

const run = Effect.fnUntraced(function* (corpus: Corpora.Corpus, store: string) {
  const encoder = yield* Encoder
  const index = yield* PineconeIndex
  if (index.dimension !== undefined && index.dimension !== encoder.dimension) {
    return yield* userError(
      `the index has dimension ${index.dimension} and this model makes ${encoder.dimension}; use an index of dimension ${encoder.dimension} with metric cosine`
    )
  }
  yield* Console.error(
    `${corpus.texts.length} texts of ${corpus.name}, embedded by ${encoder.name} (${encoder.dimension} numbers), into ${store}`
  )
  const { loadSeconds, outcomes, vectors } = yield* load(corpus)
  yield* untilReadable(outcomes.written)

  const answers = yield* ask(corpus.questions)
  const asked = yield* ask(corpus.pairs.map((pair) => pair.question))
  const found = asked.filter(([, matches], i) => matches.some(({ id }) => id === corpus.pairs[i]?.answerId)).length

  const report: Report = {
    records: corpus.texts.length,
    outcomes,
    questions: answers.map(([{ text }, matches]) => ({
      question: text,
      matches: matches.map(({ id, metadata, score }) => ({ id, score, text: String(metadata?.["text"] ?? "") }))
    })),
    loadSeconds,
    recordsPerSecond: loadSeconds > 0 ? outcomes.written / loadSeconds : 0,
    recallAt5: share(vectors, [...answers, ...asked]),
    rightAnswerInFirst5: { found, of: asked.length, share: asked.length === 0 ? 0 : found / asked.length },
    corpus: corpus.name,
    encoder: encoder.name,
    store
  }
  return report
})

const userError = (message: string) => Effect.fail(new CliError.UserError({ cause: message }))

/** The live index in a namespace of the demo's own, or what has to be set for it. */
const pinecone = Layer.unwrap(
  Effect.gen(function* () {
    const options = yield* PineconeIndex.config
    const missing = yield* missingVariables
    return missing.length === 0
      ? PineconeIndex.layer({ ...options, namespace: "effect-connectors-demo" })
      : yield* userError(`--store pinecone needs ${missing.join(" and ")} in the environment`)
  })
)

const missingVariables = Effect.gen(function* () {
  const isSet = (name: string) =>
    Effect.map(Config.option(Config.String(name)), (value) => Option.exists(value, (text) => text !== ""))
  const key = yield* isSet("PINECONE_API_KEY")
  const index = (yield* isSet("PINECONE_INDEX")) || (yield* isSet("PINECONE_INDEX_HOST"))
  return [...(key ? [] : ["PINECONE_API_KEY"]), ...(index ? [] : ["PINECONE_INDEX"])]
})

const corpora = {
  small: { corpus: Corpora.webFeatures, encoder: Encoder.useLite },
  large: { corpus: Corpora.wordnet, encoder: Encoder.glove }
} as const

const stores = {
  memory: { layer: PineconeMemory.layer, label: "memory" },
  pinecone: { layer: pinecone, label: "Pinecone, namespace effect-connectors-demo" }
} as const

const command = Command.make(
  "demo",
  {
    corpus: Flag.Literals("corpus", ["small", "large"]).pipe(
      Flag.withDescription("small: 1,204 texts and a neural model; large: 117,791 texts and word vectors"),
      Flag.withDefault("small")
    ),
    store: Flag.Literals("store", ["memory", "pinecone"]).pipe(
      Flag.withDescription("pinecone: a live index, from PINECONE_API_KEY and PINECONE_INDEX"),
      Flag.withDefault("memory")
    ),
    limit: Flag.Int("limit").pipe(Flag.withDescription("Only the first texts of the corpus"), Flag.optional),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print one JSON object on stdout and nothing else there"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* ({ corpus: size, json, limit, store: place }) {
    const { encoder } = corpora[size]
    const all = yield* corpora[size].corpus
    const corpus = Option.match(limit, { onNone: () => all, onSome: (n) => Corpora.take(all, n) })
    const { label, layer } = stores[place]
    const report = yield* run(corpus, label).pipe(Effect.provide([encoder, layer]))
    yield* Console.log(json ? JSON.stringify(report) : print(report))
  })
).pipe(Command.withDescription("Embeds texts, writes them to an index, and asks it questions."))

Command.run(command, { version: "0.1.0" }).pipe(
  Effect.provide(Layer.merge(NodeServices.layer, NodeFileSystem.layer)),
  NodeRuntime.runMain
)
