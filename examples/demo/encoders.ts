/**
 * The two encoders of the demo: they turn a text into a vector that lies near those of texts that mean the same.
 */
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as RpcClient from "effect/rpc/RpcClient"
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import * as Glove from "./glove.ts"
import { UseLite } from "./useLite.ts"

/** A text could not be encoded, or the encoder could not be started. */
export class EncoderError extends Schema.TaggedError<EncoderError>()("EncoderError", {
  encoder: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.encoder}: ${this.detail}`
  }
}

/** A model of meaning. */
interface Model {
  readonly name: string
  /** Numbers of a vector. Vectors have length 1. */
  readonly dimension: number
  /** How many texts to give to one call of `embed`. */
  readonly batch: number
  /** How many calls of `embed` to run side by side. */
  readonly concurrency: number
  /** One vector for each text, in order. Blank texts are refused: they mean nothing. */
  readonly embed: (texts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Float32Array>, EncoderError>
}

/**
 * Makes an encoder of a model that is not trusted to give one vector for each text. (The Universal Sentence
 * Encoder's package gives fewer when some are blank, and all after those shift.)
 */
const make = <E extends Error>(
  options: Omit<Model, "embed"> & {
    readonly model: (texts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Float32Array>, E>
  }
): Model => {
  const { dimension, model, name } = options
  const fail = (detail: string) => Effect.fail(new EncoderError({ encoder: name, detail }))
  return {
    ...options,
    embed: Effect.fnUntraced(function* (texts) {
      const blank = texts.findIndex((text) => text.trim() === "")
      if (blank >= 0) return yield* fail(`text ${blank} of ${texts.length} is blank`)
      const vectors = yield* model(texts).pipe(Effect.catch((error) => fail(error.message)))
      if (vectors.length !== texts.length || vectors.some((vector) => vector.length !== dimension)) {
        return yield* fail(`the model did not give ${texts.length} vectors of ${dimension} numbers`)
      }
      return vectors
    })
  }
}

const threads = Math.min(2, availableParallelism())

/** @see {@link Model} */
export class Encoder extends Context.Service<Encoder, Model>()("@effect-connectors/examples/demo/Encoder") {
  /**
   * The Universal Sentence Encoder, Lite: a small transformer for English, 512 numbers a text. About 35 short texts
   * a second on one core, so it runs in up to two threads (a copy of the model in each takes 300 MB).
   */
  static readonly useLite: Layer.Layer<Encoder, EncoderError> = Layer.effect(
    Encoder,
    Effect.gen(function* () {
      const client = yield* RpcClient.make(UseLite)
      return make({
        name: "Universal Sentence Encoder Lite",
        dimension: 512,
        batch: 8,
        concurrency: threads,
        model: (texts) => client.embed({ texts })
      })
    })
  ).pipe(
    Layer.provide(RpcClient.layerProtocolWorker({ size: threads })),
    Layer.provide(NodeWorker.layer(() => new Worker(new URL("./useLiteWorker.ts", import.meta.url)))),
    Layer.catch((error) =>
      Layer.effect(Encoder, Effect.fail(new EncoderError({ encoder: "USE", detail: error.message })))
    )
  )

  /** GloVe word vectors averaged over a text: knows words and not grammar, 100 numbers a text, about 100,000 texts a second. */
  static readonly glove: Layer.Layer<Encoder, EncoderError, FileSystem.FileSystem> = Layer.effect(
    Encoder,
    Effect.gen(function* () {
      const name = "GloVe bag of words"
      const vectors = yield* Glove.load.pipe(
        Effect.mapError((error) => new EncoderError({ encoder: name, detail: error.message }))
      )
      return make({
        name,
        dimension: Glove.dimension,
        batch: 1_000,
        concurrency: 1,
        model: (texts) => Effect.sync(() => texts.map((text) => Glove.encode(vectors, text)))
      })
    })
  )
}
