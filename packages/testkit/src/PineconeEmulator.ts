/**
 * A Pinecone on this machine, for clients in any language: the control plane over HTTP on one port, and each index on a
 * port of its own, over HTTP and over gRPC, with the semantics of `PineconeMemory`.
 */
import { InvalidOption } from "@effect-connectors/core/ConnectorError"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Result from "effect/Result"
import * as FaultPlan from "./FaultPlan.ts"
import { type DocumentSchema, readGiven } from "./internal/documents/givenSchema.ts"
import type { Embed } from "./internal/records/embedding.ts"
import * as Control from "./internal/emulator/controlPlane.ts"
import * as Embedder from "./internal/records/embedder.ts"
import * as Faults from "./internal/emulator/faults.ts"
import * as Indexes from "./internal/emulator/indexes.ts"
import { type Definition, type Read, readDefinitionForModel } from "./internal/emulator/indexModel.ts"
import type { Persistence } from "./internal/emulator/persistence.ts"
import * as Quotas from "./internal/emulator/quotas.ts"
import * as Server from "./internal/emulator/server.ts"
import { defaultLimits, type Limits } from "./internal/limits.ts"

export type { DocumentField, DocumentSchema, FullTextSearch } from "./internal/documents/givenSchema.ts"
export type { Embed, EmbedRequest } from "./internal/records/embedding.ts"
export type { Limits } from "./internal/limits.ts"

/** How an emulator differs from the service as documented. */
export interface Options {
  /** The port on 127.0.0.1; 0 picks a free one. @default 0 */
  readonly port?: number | undefined
  /** The keys that are let in. @default any key that is not empty */
  readonly apiKeys?: ReadonlyArray<string> | undefined
  /** Other limits of each index than the service's. */
  readonly limits?: Partial<Limits> | undefined
  /** What goes wrong. @default nothing */
  readonly faultPlan?: FaultPlan.FaultPlan | undefined
  /** What each second allows. @default no quotas */
  readonly quotas?: Partial<Quotas.Quotas> | undefined
  /** How long after a write reads see it. @default 0 */
  readonly visibleAfter?: Duration.Input | undefined
  /**
   * A directory that keeps the indexes and their records; it is made when it is not there.
   *
   * @default they are gone with the emulator
   */
  readonly data?: string | undefined
  /**
   * Bytes of one HTTP body, over which the answer is 413. It guards memory; the service's limit of an upsert is
   * `limits.maxRequestBytes`.
   *
   * @default 33_554_432
   */
  readonly maxBodyBytes?: number | undefined
  /**
   * The version of the API for callers that name none. What the service does then is a guess.
   *
   * @default "2025-04"
   */
  readonly defaultApiVersion?: string | undefined
  /**
   * Sparse values sent to a dense `dotproduct` index whose schema does not declare `_sparse_values`. Source: the
   * service's Python client.
   *
   * @default "refuse"
   */
  readonly undeclaredSparse?: "refuse" | "accept" | undefined
  /**
   * Makes the dense vectors of texts: of indexes with a model, of `/embed` and to compare texts in a rerank. Sparse
   * vectors stay hashed. When it fails, the call is answered 500.
   *
   * @default words and letters, hashed: texts that share words are near each other, whatever they mean
   */
  readonly embed?: Embed | undefined
}

/** A new index. */
export type IndexOptions = {
  /** 1 to 45 of a-z, 0-9 and `-`. */
  readonly name: string
} & (
  | {
      /** @default "dense" */
      readonly vectorType?: "dense" | undefined
      /** 1 to 20,000. */
      readonly dimension: number
      /** @default "cosine" */
      readonly metric?: "cosine" | "dotproduct" | "euclidean" | undefined
    }
  | { readonly vectorType: "sparse" }
  /** An index of documents. */
  | { readonly schema: DocumentSchema }
  /** An index of records with text, whose vectors are made by a model. */
  | { readonly embed: IndexModel }
)

/** The model of an index. */
export interface IndexModel {
  /** `llama-text-embed-v2`, `multilingual-e5-large` or `pinecone-sparse-english-v0`. */
  readonly model: string
  /** The field of a record that has its text. @default "text" */
  readonly field?: string | undefined
  /** One that the model has. @default the model's */
  readonly dimension?: number | undefined
  /** One that the model has. @default the model's */
  readonly metric?: "cosine" | "dotproduct" | "euclidean" | undefined
}

/** What goes wrong in a running emulator. */
export interface ActiveFaults {
  /** How often each rule of the plan struck; 0 where it did not. */
  readonly fired: Effect.Effect<Faults.Counters>
  /** How many calls each rule looked at, struck or not. */
  readonly matched: Effect.Effect<Faults.Counters>
  /** How often each quota refused a call; without those that never did. */
  readonly overQuota: Effect.Effect<Faults.Counters>
  /** Another plan, from its start. Quotas stay as they are. */
  readonly replace: (plan: FaultPlan.FaultPlan) => Effect.Effect<void>
  /** The same plan from its start: counters at 0, chance from the seed, quotas unused. */
  readonly reset: Effect.Effect<void>
}

/** Where an index is: one address for REST and for gRPC, as `http://127.0.0.1:40621`. */
export interface IndexAddress {
  readonly name: string
  readonly host: string
}

/** A running emulator. */
export interface Service {
  /** The address of the control plane, as `http://127.0.0.1:5080`. */
  readonly url: string
  /** Makes an index; fails with `RequestRefused` as the service would, for instance when it is there already. */
  readonly createIndex: (options: IndexOptions) => Effect.Effect<{ readonly host: string }, PineconeError>
  /** The indexes that are there, in the order they were made. */
  readonly indexes: Effect.Effect<ReadonlyArray<IndexAddress>>
  readonly faults: ActiveFaults
}

/**
 * A Pinecone emulator.
 *
 * @example
 * ```ts
 * import { PineconeIndex } from "@effect-connectors/pinecone"
 * import { PineconeEmulator } from "@effect-connectors/testkit"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const articles = Layer.unwrap(Effect.gen(function*() {
 *   const emulator = yield* PineconeEmulator
 *   const { host } = yield* emulator.createIndex({ name: "articles", dimension: 384 })
 *   return PineconeIndex.layer({ apiKey: Redacted.make("any"), host })
 * })).pipe(Layer.provide(PineconeEmulator.layer))
 * ```
 */
export class PineconeEmulator extends Context.Service<PineconeEmulator, Service>()(
  "@effect-connectors/testkit/PineconeEmulator"
) {
  /**
   * Starts an emulator, and stops it with the scope; for tests that need more than one. A port or a directory that
   * cannot be used fails with `InvalidOption`.
   */
  static readonly make = (options: Options = {}): Effect.Effect<Service, PineconeError, Scope.Scope> =>
    Effect.suspend(() => make(options))

  /** An emulator as `options` say, for as long as the layer lives. */
  static readonly layerWith = (options: Options): Layer.Layer<PineconeEmulator, PineconeError> =>
    Layer.effect(PineconeEmulator, PineconeEmulator.make(options))

  /** An empty emulator on a free port, for as long as the layer lives. */
  static readonly layer: Layer.Layer<PineconeEmulator, PineconeError> = PineconeEmulator.layerWith({})
}

const make = (options: Options): Effect.Effect<Service, PineconeError, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const now = () => clock.currentTimeMillisUnsafe()
    const visibleAfter = Duration.toMillis(Duration.fromInputUnsafe(options.visibleAfter ?? 0))
    const quotas = Quotas.make({ ...Quotas.none, ...options.quotas }, { clock: now })
    const faults = Faults.make(options.faultPlan ?? FaultPlan.none, { quotas, clock: now })
    const kept = options.data === undefined ? undefined : yield* keptIn(options.data)
    const limits = { ...defaultLimits, ...options.limits }
    const undeclaredSparse = options.undeclaredSparse ?? "refuse"
    const indexes = yield* Effect.try({
      try: () => Indexes.make({ limits, visibleAfter, now, undeclaredSparse }, kept),
      catch: (error) => failure("start", new InvalidOption({ option: "data", issue: messageOf(error) }))
    })
    const server = yield* Effect.acquireRelease(
      listening({
        indexes,
        faults,
        embedder: Embedder.make(options.embed),
        port: options.port ?? 0,
        apiKeys: options.apiKeys,
        maxBodyBytes: options.maxBodyBytes ?? 33_554_432,
        defaultVersion: options.defaultApiVersion ?? "2025-04"
      }),
      ({ stop }) => Effect.promise(stop)
    )
    return {
      url: server.url,
      createIndex: (index) =>
        Effect.fromResult(toDefinition(index)).pipe(
          Effect.flatMap((definition) => Effect.promise(() => Control.create(server.project, definition))),
          Effect.flatMap(Effect.fromResult),
          Effect.mapBoth({
            onSuccess: () => ({ host: server.project.doors.hostOf(index.name) }),
            onFailure: (reason) => failure("createIndex", reason)
          })
        ),
      indexes: Effect.sync(() =>
        indexes.all().map(({ definition: { name } }) => ({ name, host: server.project.doors.hostOf(name) }))
      ),
      faults: {
        fired: Effect.sync(faults.fired),
        matched: Effect.sync(faults.matched),
        overQuota: Effect.sync(faults.overQuota),
        replace: (plan) => Effect.sync(() => faults.replace(plan)),
        reset: Effect.sync(faults.reset)
      }
    }
  })

/** Loaded only when asked for: Node warns that its SQLite is experimental as soon as it is imported. */
const keptIn = (directory: string): Effect.Effect<Persistence, PineconeError, Scope.Scope> =>
  Effect.gen(function* () {
    const { open } = yield* Effect.promise(() => import("./internal/emulator/persistence.ts"))
    return yield* Effect.acquireRelease(
      Effect.mapError(
        Effect.suspend(() => Effect.fromResult(open(directory))),
        ({ detail }) => failure("start", new InvalidOption({ option: "data", issue: detail }))
      ),
      (kept) => Effect.sync(kept.close)
    )
  })

const toDefinition = (index: IndexOptions): Read<Definition> => {
  const shared = { name: index.name, cloud: "aws", region: "us-east-1", tags: {}, isProtected: false }
  if ("embed" in index) {
    const { dimension, field = "text", metric, model } = index.embed
    return readDefinitionForModel({
      ...shared,
      embed: { model, field_map: { text: field }, dimension: dimension ?? null, metric: metric ?? null }
    })
  }
  if ("schema" in index) {
    return Result.map(readGiven(index.schema), (schema) => ({ ...shared, schema }))
  }
  return Result.succeed({
    ...shared,
    ...(index.vectorType === "sparse"
      ? { vectorType: "sparse", metric: "dotproduct", dimension: undefined }
      : { vectorType: "dense", metric: index.metric ?? "cosine", dimension: index.dimension }),
    takesSparse: index.vectorType === "sparse" || index.metric === "dotproduct"
  })
}

const listening = (options: Server.ServerOptions): Effect.Effect<Server.Serving, PineconeError> =>
  Effect.tryPromise({
    try: () => Server.listen(options),
    catch: (error) => {
      const issue = `cannot be ${options.port}: ${messageOf(error)}`
      return failure("start", new InvalidOption({ option: "port", issue }))
    }
  })

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const failure = (operation: string, reason: PineconeError["reason"]): PineconeError =>
  new PineconeError({ operation, reason })
