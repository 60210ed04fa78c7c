/**
 * Pinecone in memory: a layer of `PineconeIndex` with the service's semantics and limits, for tests, demos and
 * small searches, with no account and no network.
 *
 * It behaves as a vector index that is always up to date, or as late as `visibleAfter` says. Scores are exact and are float32, as the stored vectors
 * are; records with the same score come in the order of their ids. Request sizes are measured on the protobuf form
 * of a request. What Pinecone does not document is decided in one place each and said there: of records with the
 * same id in one upsert the last wins, reading from a namespace that does not exist finds nothing, and a record
 * without a field matches `$ne` and `$nin` on it.
 */
import { InvalidOption } from "@effect-connectors/core/ConnectorError"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex, type Service } from "@effect-connectors/pinecone/PineconeIndex"
import { maxDimension } from "@effect-connectors/pinecone/VectorRecord"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { defaultLimits, type Limits } from "./internal/limits.ts"
import * as MemoryCalls from "./internal/memoryCalls.ts"
import * as MemoryIndex from "./internal/memoryIndex.ts"
import * as VectorStore from "./internal/vectorStore.ts"

export type { Limits } from "./internal/limits.ts"

/** The kind of index, fixed when it is made. */
export type Kind =
  | {
      /** @default "dense" */
      readonly vectorType?: "dense" | undefined
      /** `"euclidean"` scores are squared distances. Sparse values need `"dotproduct"`. @default "cosine" */
      readonly metric?: "cosine" | "dotproduct" | "euclidean" | undefined
      /** 1 to 20,000. @default that of the first vector written */
      readonly dimension?: number | undefined
    }
  | { readonly vectorType: "sparse" }

export type Options = Kind & {
  /** The namespace of calls that name none. @default "__default__" */
  readonly namespace?: string | undefined
  /** The index's name, for telemetry and messages. @default "memory" */
  readonly name?: string | undefined
  /** How long until reads see a write, as at the service. @default 0 */
  readonly visibleAfter?: Duration.Input | undefined
  /** Other limits than the service's. */
  readonly limits?: Partial<Limits> | undefined
}

/**
 * An empty index of its own each time it is built, as `options` say. A `dimension` that no index can have is a
 * mistake in the program and kills it.
 *
 * @example
 * ```ts
 * import { PineconeMemory } from "@effect-connectors/testkit"
 *
 * const hybrid = PineconeMemory.layerWith({ metric: "dotproduct", dimension: 384, namespace: "articles" })
 * ```
 */
export const layerWith = (options: Options): Layer.Layer<PineconeIndex> =>
  Layer.effect(
    PineconeIndex,
    Effect.suspend(() => make(options))
  )

/**
 * A dense cosine index, empty each time the layer is built, whose dimension is that of the first vector written.
 *
 * @example
 * ```ts
 * import { PineconeIndex } from "@effect-connectors/pinecone"
 * import { PineconeMemory } from "@effect-connectors/testkit"
 * import * as Effect from "effect/Effect"
 *
 * const nearest = Effect.gen(function*() {
 *   const index = yield* PineconeIndex
 *   yield* index.upsert({ records: [{ id: "a", values: [1, 0] }, { id: "b", values: [0, 1] }] })
 *   return yield* index.query({ vector: [1, 0.1], topK: 1 })
 * }).pipe(Effect.provide(PineconeMemory.layer))
 * ```
 */
export const layer: Layer.Layer<PineconeIndex> = layerWith({})

const make = (options: Options): Effect.Effect<Service> => {
  const kind =
    options.vectorType === "sparse"
      ? { vectorType: "sparse" as const, metric: "dotproduct" as const, dimension: undefined }
      : { vectorType: "dense" as const, metric: options.metric ?? "cosine", dimension: options.dimension }
  if (kind.dimension !== undefined && !isDimension(kind.dimension)) {
    const issue = `must be a whole number from 1 to ${maxDimension}, got ${kind.dimension}`
    return Effect.die(
      new PineconeError({ operation: "layer", reason: new InvalidOption({ option: "dimension", issue }) })
    )
  }
  const limits: Limits = { ...defaultLimits, ...options.limits }
  const calls = MemoryCalls.make(options.namespace)
  const store = VectorStore.make({
    ...kind,
    limits,
    visibleAfter: Duration.toMillis(Duration.fromInputUnsafe(options.visibleAfter ?? 0)),
    now: calls.now
  })
  return Effect.succeed(MemoryIndex.make({ name: options.name ?? "memory", dimension: kind.dimension, store, calls }))
}

const isDimension = (dimension: number): boolean =>
  Number.isInteger(dimension) && dimension >= 1 && dimension <= maxDimension
