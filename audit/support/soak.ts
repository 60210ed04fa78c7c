/** Writes and reads at a constant rate by both connectors for a time: what the soak does. */
import * as FeatureService from "@effect-connectors/tecton/FeatureService"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import * as TectonSink from "@effect-connectors/tecton/TectonSink"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as PineconeSource from "@effect-connectors/pinecone/PineconeSource"
import * as Config from "effect/Config"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import { tell } from "../programs/program.ts"
import { itemAt } from "./corpus.ts"
import { layer } from "./load.ts"

export const Argument = Schema.Struct({
  seed: Schema.Int,
  seconds: Schema.Number,
  /** Elements of each of the four streams in a second. */
  perSecond: Schema.Int,
  pinecone: Schema.String,
  tecton: Schema.String
})

/** Ids are written again and again, so that only the program could grow. */
const ids = 1_000

let fibers = 0
const counted: Metric.FiberRuntimeMetricsService = {
  recordFiberStart: () => {
    fibers++
  },
  recordFiberEnd: () => {
    fibers--
  }
}

const memory = Effect.sync(() => {
  globalThis.gc?.()
  const { arrayBuffers, external, heapUsed, rss } = process.memoryUsage()
  return { heapUsed: heapUsed + external + arrayBuffers, rss }
})

const descriptors = "/proc/self/fd"

/** Open sockets of this process; 0 where the system does not tell. */
const sockets = (): number =>
  (fs.existsSync(descriptors) ? fs.readdirSync(descriptors) : []).filter((fd) => {
    try {
      return fs.readlinkSync(`${descriptors}/${fd}`).startsWith("socket:")
    } catch {
      return false // It was the one that reads the directory.
    }
  }).length

/** What a program holds beside memory. */
const held = Effect.sync(() => {
  const names = process.eventNames()
  const listeners = names.reduce((sum, name) => sum + process.listenerCount(name), 0)
  // The pipes of standard input and output are the audit's.
  const resources = process
    .getActiveResourcesInfo()
    .filter((name) => name !== "PipeWrap")
    .toSorted()
  return { listeners, resources, fibers, sockets: sockets() }
})

const fraud = FeatureService.make("fraud", {
  joinKeys: { user_id: Schema.String },
  features: { "user_clicks.count_1d": Schema.BigInt }
})

/**
 * Tells how much memory it needs as it goes, and what is left of it when the scope of the connectors is closed. A test may
 * run something in that scope. To be run with `--expose-gc`.
 */
export const soak = Effect.fnUntraced(function* (
  { perSecond, pinecone, seconds, seed, tecton }: typeof Argument.Type,
  also: Effect.Effect<unknown> = Effect.void
) {
  const warnings: Array<string> = []
  process.on("warning", ({ message, name }) => warnings.push(`${name}: ${message}`))
  const corpus = { seed, records: ids, poisoned: 0, rewritten: 0, namespaces: ["soak"] }
  const done = { upserted: 0, queried: 0, ingested: 0, read: 0 }

  /** Places at an even pace. */
  const places = Stream.fromSchedule(Schedule.fixed("100 millis")).pipe(
    Stream.take(Math.round(seconds * 10)),
    Stream.map((tick) => Array.from({ length: perSecond / 10 }, (_, at) => tick * (perSecond / 10) + at)),
    Stream.flattenIterable
  )
  const counting = (what: keyof typeof done) =>
    Stream.runForEachArray((all: ReadonlyArray<unknown>) =>
      Effect.sync(() => {
        done[what] += all.length
      })
    )
  const upserts = places.pipe(
    Stream.map((n) => itemAt(corpus, n % ids).record),
    PineconeSink.upsert({ namespace: "soak", linger: "200 millis" }),
    counting("upserted")
  )
  const queries = places.pipe(
    PineconeSource.query({
      namespace: "soak",
      topK: 3,
      vector: (n: number) => itemAt(corpus, n % ids).record.values ?? []
    }),
    counting("queried")
  )
  const ingests = places.pipe(
    Stream.mapEffect((n) =>
      Effect.map(DateTime.now, (now) => ({
        user_id: `user-${n % 50}`,
        timestamp: DateTime.formatIso(now),
        page: "/",
        clicked: 1
      }))
    ),
    TectonSink.ingest({ source: "clicks", joinKeys: ["user_id"], linger: "200 millis" }),
    counting("ingested")
  )
  const reads = places.pipe(
    TectonSource.features(fraud, { keys: (n: number) => ({ user_id: `user-${n % 50}` }) }),
    counting("read")
  )

  const layers = Layer.mergeAll(
    layer(pinecone),
    Layer.unwrap(
      Effect.map(Config.Redacted("TECTON_API_KEY"), (apiKey) =>
        TectonClient.layer({ url: tecton, ingestUrl: tecton, workspace: "prod", apiKey })
      )
    )
  )
  // Once for the code that is loaded and the connections that Node pools, which belong to no scope.
  yield* Effect.scoped(Layer.build(layers))
  const before = yield* held
  yield* Effect.all([upserts, queries, ingests, reads, also], { concurrency: "unbounded", discard: true }).pipe(
    Effect.raceFirst(
      Effect.forever(
        Effect.delay(
          Effect.flatMap(memory, (now) => tell({ ...now, sockets: sockets() })),
          "1 second"
        )
      )
    ),
    Effect.provide(layers),
    Effect.provideService(Metric.FiberRuntimeMetrics, counted)
  )
  // Node closes what is closed a little later.
  const after = yield* Effect.repeat(Effect.delay(held, "100 millis"), {
    until: ({ resources }) => resources.every((name) => before.resources.includes(name)),
    times: 50
  })
  yield* tell({ done, before, after, warnings })
})
