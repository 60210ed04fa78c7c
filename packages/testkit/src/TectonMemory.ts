/**
 * Tecton in memory: a layer of `TectonClient` with the service's semantics, for tests and demos, with no account and no
 * network. The clock is Effect's: in a test `TestClock` moves windows and lets values expire.
 *
 * What is ingested can be read at once. What Tecton does not document is decided in one place each and is a setting
 * where a program could come to depend on it: {@link Assumptions}.
 */
import {
  InvalidOption,
  NotFound,
  type Reason,
  RequestRefused,
  RequestTooLarge,
  type Wire
} from "@effect-connectors/core/ConnectorError"
import * as ExactJson from "@effect-connectors/core/ExactJson"
import * as IngestRecord from "@effect-connectors/tecton/IngestRecord"
import * as RequestBody from "@effect-connectors/tecton/RequestBody"
import { checkLookup, joinKey, wireFields, wireValue } from "@effect-connectors/tecton/RequestValue"
import type {
  EncodedRecord,
  FeaturesBatchRequest,
  FeaturesRequest,
  Lookup,
  Options as ClientOptions,
  Service
} from "@effect-connectors/tecton/TectonApi"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import { TectonError } from "@effect-connectors/tecton/TectonError"
import { Buffer } from "node:buffer"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { type Assumptions, defaults } from "./internal/features/assumptions.ts"
import { compile } from "./internal/features/compile.ts"
import * as FeatureStore from "./internal/features/featureStore.ts"
import type { WireLookup } from "./internal/features/lookup.ts"
import { type Refusal, requestTooLong } from "./internal/features/refusal.ts"
import * as RequestOptions from "./internal/features/requestOptions.ts"
import * as TectonWorkspace from "./TectonWorkspace.ts"

export type { Assumptions } from "./internal/features/assumptions.ts"

export interface Options {
  /** What the workspace holds. */
  readonly definition: TectonWorkspace.TectonWorkspace
  /** The workspace's name. @default "prod" */
  readonly workspace?: string | undefined
  /** For telemetry and messages. @default "memory" */
  readonly name?: string | undefined
  /** As the option of `TectonClient.layer`. @default "refuse" */
  readonly largeInt64?: ClientOptions["largeInt64"]
  /**
   * Bytes of one request body as the client sends it by default: a call over it fails with `RequestTooLarge`.
   *
   * @default 4_000_000
   */
  readonly maxRequestBytes?: number | undefined
  /** Other answers to what Tecton does not document. */
  readonly assumptions?: Partial<Assumptions> | undefined
}

/**
 * A workspace of its own each time it is built, with nothing ingested. A definition that does not fit together is a
 * mistake in the program and kills it.
 *
 * @example
 * ```ts
 * import { TectonMemory, TectonWorkspace } from "@effect-connectors/testkit"
 *
 * const users = TectonMemory.layerWith({
 *   definition: TectonWorkspace.make({
 *     entities: { user: { user_id: "string" } },
 *     sources: { users: { schema: { user_id: "string", at: "timestamp", country: "string" }, timestamp: "at" } },
 *     views: { profile: { type: "attribute", source: "users", entities: ["user"], features: ["country"] } },
 *     services: { users: { features: ["profile"] } }
 *   })
 * })
 * ```
 */
export const layerWith = (options: Options): Layer.Layer<TectonClient> =>
  Layer.effect(
    TectonClient,
    Effect.suspend(() => make(options))
  )

/**
 * The workspace `prod` with what `TectonWorkspace.sample` defines, and nothing ingested.
 *
 * @example
 * ```ts
 * import { TectonClient } from "@effect-connectors/tecton"
 * import { TectonMemory } from "@effect-connectors/testkit"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const tecton = yield* TectonClient
 *   return yield* tecton.metadata({ service: "fraud" })
 * }).pipe(Effect.provide(TectonMemory.layer))
 * ```
 */
export const layer: Layer.Layer<TectonClient> = layerWith({ definition: TectonWorkspace.sample })

const make = (options: Options): Effect.Effect<Service> => {
  const { maxRequestBytes = 4_000_000, workspace = "prod" } = options
  const model = compile(options.definition)
  if (Result.isFailure(model)) {
    const reason = new InvalidOption({ option: "definition", issue: `does not fit together: ${model.failure}` })
    return Effect.die(new TectonError({ operation: "layer", reason }))
  }
  const assumptions = { ...defaults, ...options.assumptions }
  return Effect.map(Clock.Clock, (clock): Service => {
    const store = FeatureStore.make({
      workspace,
      model: model.success,
      assumptions,
      now: () => clock.currentTimeMillisUnsafe()
    })

    const call = <A>(operation: string, subject: string, answer: () => Result.Result<A, Reason>) =>
      // A call to a service gives other fibers a turn; without that a program of many calls could not be interrupted.
      Effect.andThen(
        Effect.yieldNow,
        Effect.suspend(() =>
          Effect.mapError(Effect.fromResult(answer()), (reason) => new TectonError({ operation, subject, reason }))
        )
      )

    const read = (request: FeaturesRequest | FeaturesBatchRequest, asked: (lookups: Lookups) => Asked) =>
      call(asked([noLookup]).operation, request.service, () =>
        Result.gen(function* () {
          yield* unless(checkService(request.service))
          const given: Arr.NonEmptyReadonlyArray<Lookup> = "lookups" in request ? request.lookups : [request]
          for (const lookup of given) yield* unless(checkLookup(lookup))
          const bytes = Buffer.byteLength(RequestBody.features(workspace, request))
          yield* unless(checkBytes(bytes, maxRequestBytes))
          const said = Object.entries(request.requestOptions ?? {})
          return yield* Result.mapError(
            Result.gen(function* () {
              yield* requestTooLong(bytes, assumptions)
              return yield* store.read({
                ...(yield* RequestOptions.read(new Map(said))),
                ...asked(Arr.map(given, toWire)),
                service: request.service,
                include: request.include ?? {},
                allowPartialResults: request.allowPartialResults ?? false,
                timedOut: false,
                seconds: 0
              })
            }),
            (refusal) => reasonOf(refusal, request.service, workspace, wireOfRead(refusal))
          )
        })
      )

    return {
      name: options.name ?? "memory",
      workspace,
      limits: { maxRequestBytes, ingestEnvelopeBytes: (source) => RequestBody.ingestEnvelopeBytes(workspace, source) },
      encode: (record) => IngestRecord.encode(record, options.largeInt64),
      getFeatures: (request) => read(request, ([lookup]) => ({ operation: "getFeatures", lookup })),
      queryFeatures: (request) => read(request, ([lookup]) => ({ operation: "queryFeatures", lookup })),
      getFeaturesBatch: (request) => read(request, (lookups) => ({ operation: "getFeaturesBatch", lookups })),
      metadata: ({ service }) =>
        call("metadata", service, () =>
          Result.flatMap(
            unless(
              checkService(service) ??
                checkBytes(Buffer.byteLength(RequestBody.metadata(workspace, service)), maxRequestBytes)
            ),
            () =>
              Result.mapError(store.metadata(service), (refusal) =>
                reasonOf(refusal, service, workspace, wireOfRead(refusal))
              )
          )
        ),
      ingest: (request) => {
        const subject = Array.from(request.records.keys()).join(", ")
        return call("ingest", subject, () => {
          const tooLarge = checkBytes(Buffer.byteLength(RequestBody.ingest(workspace, request)), maxRequestBytes)
          if (tooLarge !== undefined) return Result.fail(tooLarge)
          const records = new Map(
            Array.from(request.records, ([source, ofSource]) => [source, ofSource.map(unwrapped)])
          )
          return Result.mapError(store.ingest({ records, dryRun: request.dryRun ?? false }), (refusal) =>
            reasonOf(refusal, subject, workspace, { status: refusal.status })
          )
        })
      }
    }
  })
}

type Lookups = Arr.NonEmptyReadonlyArray<WireLookup>
type Asked =
  | { readonly operation: "getFeatures" | "queryFeatures"; readonly lookup: WireLookup }
  | { readonly operation: "getFeaturesBatch"; readonly lookups: Lookups }

const noLookup: WireLookup = { joinKeys: new Map(), requestContext: new Map() }

/** A lookup that can be sent, as it would be. */
const toWire = ({ joinKeys = {}, requestContext = {} }: Lookup): WireLookup => ({
  joinKeys: new Map(Object.entries(wireFields(joinKeys, joinKey))),
  requestContext: new Map(Object.entries(wireFields(requestContext, (value) => wireValue(value))))
})

/** What can not be sent is refused as the real client does. */
const checkService = (service: string): InvalidOption | undefined =>
  service === "" ? new InvalidOption({ option: "service", issue: "is empty; name the feature service" }) : undefined

const checkBytes = (bytes: number, maxBytes: number): RequestTooLarge | undefined =>
  bytes > maxBytes
    ? new RequestTooLarge({ detail: `it has ${bytes} bytes, and maxRequestBytes is ${maxBytes}` })
    : undefined

const unless = (wrong: Reason | undefined): Result.Result<void, Reason> =>
  wrong === undefined ? Result.void : Result.fail(wrong)

/** A record without the wrapper it is sent in. */
const unwrapped = ({ json }: EncodedRecord): unknown => {
  const wrapper = ExactJson.parse(json)
  return Predicate.hasProperty(wrapper, "record") ? wrapper.record : undefined
}

const wireOfRead = ({ code, status }: Refusal): Wire => ({ status, grpcCode: code })

/** gRPC's FAILED_PRECONDITION: what was asked for is too much for the online store. */
const failedPrecondition = 9

/** The reason that the HTTP client gives for what the store refuses. */
const reasonOf = ({ code, message, missing }: Refusal, subject: string, workspace: string, wire: Wire): Reason => {
  if (missing !== undefined) {
    return new NotFound({
      resource: missing,
      called: missing === "workspace" ? workspace : subject,
      detail: message,
      wire
    })
  }
  return code === failedPrecondition
    ? new RequestTooLarge({ detail: message, wire })
    : new RequestRefused({ detail: message, wire })
}
