/**
 * One Tecton workspace in memory: a plain synchronous data structure with the semantics of the service. What was
 * ingested is there for the next read.
 *
 * Guesses: a wildcard service is read by a query alone, and another never by one; a workspace that is not live answers
 * as if the feature service were not there.
 */
import type { FeaturesReply, Include, IngestReply, Metadata } from "@effect-connectors/tecton/TectonApi"
import * as Result from "effect/Result"
import * as AggregateView from "./aggregateView.ts"
import type { Assumptions } from "./assumptions.ts"
import * as AttributeView from "./attributeView.ts"
import { check, type Feed, feed, type Subscriber } from "./ingest.ts"
import { type LookupReader, lookupReader, type ReadLookup, type WireLookup } from "./lookup.ts"
import type { ServiceModel, WorkspaceModel } from "./model.ts"
import {
  bad,
  noSubscriber,
  notLive,
  recordsRefused,
  type Refusal,
  replyTooLarge,
  unknownService,
  unknownSource
} from "./refusal.ts"
import type { StoredView, When } from "./storedView.ts"
import { type Answered, bytesOf, openKeys, replyOf, rowOf } from "./vectors.ts"

/** How a read is to be answered. */
export interface ReadOptions {
  readonly include: Include
  readonly coerceNullCountsToZero: boolean
  readonly ignoreExtraContext: boolean
  readonly allowPartialResults: boolean
  readonly edge: When["edge"]
  /** Stored features did not arrive in time. */
  readonly timedOut: boolean
  /** What the answer says it took. */
  readonly seconds: number
}

/** A read of a feature service. */
export type ReadRequest = ReadOptions & {
  readonly service: string
} & (
    | { readonly operation: "getFeatures" | "queryFeatures"; readonly lookup: WireLookup }
    | { readonly operation: "getFeaturesBatch"; readonly lookups: ReadonlyArray<WireLookup> }
  )

export interface WriteRequest {
  /** Records by the name of their source, as they are on the wire and without their wrapper. */
  readonly records: ReadonlyMap<string, ReadonlyArray<unknown>>
  readonly dryRun: boolean
}

export interface FeatureStore {
  readonly read: (request: ReadRequest) => Result.Result<FeaturesReply, Refusal>
  readonly metadata: (service: string) => Result.Result<Metadata, Refusal>
  readonly ingest: (request: WriteRequest) => Result.Result<IngestReply, Refusal>
}

export interface StoreOptions {
  readonly workspace: string
  readonly model: WorkspaceModel
  readonly assumptions: Assumptions
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export const make = ({ assumptions, model, now, workspace }: StoreOptions): FeatureStore => {
  const views = new Map<string, StoredView>()
  const subscribers: Array<Subscriber> = []
  for (const view of model.views.values()) {
    if (view.type === "realtime") continue
    const made = view.type === "attribute" ? AttributeView.make(view) : AggregateView.make(view, assumptions)
    views.set(view.name, made)
    subscribers.push({ model: view, view: made })
  }
  const feeds = new Map(
    Array.from(model.sources, ([name, source]): [string, Feed] => [
      name,
      feed(
        source,
        subscribers.filter((one) => one.model.source === name),
        assumptions
      )
    ])
  )
  const readers = new Map(
    Array.from(model.services, ([name, service]): [string, LookupReader] => [name, lookupReader(service, assumptions)])
  )
  const viewOf = (name: string) => views.get(name)
  const nanos = (): bigint => BigInt(Math.floor(now())) * 1_000_000n

  const find = (name: string) => {
    const service = model.live ? model.services.get(name) : undefined
    const lookups = readers.get(name)
    return service === undefined || lookups === undefined
      ? Result.fail(unknownService(name, workspace, assumptions.unknownServiceStatus))
      : Result.succeed({ service, lookups })
  }

  const query = (service: ServiceModel, lookup: ReadLookup, reading: Parameters<typeof rowOf>[3]) =>
    Result.all(
      openKeys(service, lookup, viewOf, reading.when).map((open) => {
        const joinKeys = new Map([
          ...lookup.joinKeys,
          ...service.wildcards.map(({ name }, at) => [name, open[at]!] as const)
        ])
        return Result.map(rowOf(service, { ...lookup, joinKeys }, viewOf, reading), (cells): Answered => ({
          cells,
          joinKeys: open
        }))
      })
    )

  const rowsOf = (request: ReadRequest, service: ServiceModel, read: LookupReader) =>
    Result.gen(function* () {
      const { coerceNullCountsToZero, edge, operation, timedOut } = request
      const wire = request.operation === "getFeaturesBatch" ? request.lookups : [request.lookup]
      const isQuery = operation === "queryFeatures"
      if (wire.length === 0) return yield* Result.fail(bad("A batch has at least one row"))
      if (wire.length > assumptions.maxBatchRows) {
        return yield* Result.fail(bad(`A batch has at most ${assumptions.maxBatchRows} rows, got ${wire.length}`))
      }
      if (isQuery !== (service.type === "WILDCARD")) {
        const route = isQuery ? "get-features" : "query-features"
        return yield* Result.fail(bad(`Feature service ${service.name} is of type ${service.type}: use ${route}`))
      }
      const reading = { when: { now: nanos(), edge }, coerceNullCountsToZero, timedOut }
      const rows: Array<Answered> = []
      for (const one of wire) {
        const lookup = yield* read(one, request)
        if (isQuery) rows.push(...(yield* query(service, lookup, reading)))
        else rows.push({ cells: yield* rowOf(service, lookup, viewOf, reading), joinKeys: undefined })
      }
      return rows
    })

  return {
    read: (request) =>
      Result.gen(function* () {
        const { lookups, service } = yield* find(request.service)
        const { fits, rows } = yield* withinLimit(yield* rowsOf(request, service, lookups), request, assumptions)
        return replyOf(service, rows, {
          include: request.include,
          isBatch: request.operation === "getFeaturesBatch",
          seconds: request.seconds,
          partialResults: request.allowPartialResults ? !fits : undefined
        })
      }),

    metadata: (name) =>
      Result.map(find(name), ({ service }) => ({
        type: service.type,
        joinKeys: service.joinKeys,
        requestContext: service.requestContext,
        outputJoinKeys: service.wildcards,
        features: service.places.map(({ feature, name }) => ({ name, dataType: feature.dataType }))
      })),

    ingest: ({ dryRun, records }) =>
      Result.gen(function* () {
        if (!model.live && !dryRun) return yield* Result.fail(notLive(workspace))
        const at = nanos()
        const checked = []
        const counts = new Map<string, number>()
        for (const [name, ofSource] of records) {
          const one = feeds.get(name)
          if (one === undefined) return yield* Result.fail(unknownSource(name, workspace))
          if (one.subscribers.length === 0 && !dryRun) return yield* Result.fail(noSubscriber(name, workspace))
          checked.push(check(one, ofSource, at, assumptions))
          for (const { model } of one.subscribers) counts.set(model.name, ofSource.length)
        }
        const errors = checked.flatMap((one) => one.errors)
        if (!dryRun && (errors.length === 0 || assumptions.refusedIngest === "good records")) {
          for (const { writes } of checked) {
            for (const { at: time, columns, keys, view } of writes) view.write(keys, time, columns, at)
          }
        }
        if (errors.length > 0) return yield* Result.fail(recordsRefused(errors, assumptions.recordErrorsStatus))
        return { featureViews: Array.from(counts, ([name, count]) => ({ name, online: BigInt(count) })) }
      })
  }
}

/**
 * The rows that fit the limit of a reply. What does not is left out where that is allowed: a row of a query as a whole,
 * of other rows the values, which are null then (a guess).
 */
const withinLimit = (
  rows: ReadonlyArray<Answered>,
  request: ReadRequest,
  { failedPreconditionStatus, maxReplyBytes }: Assumptions
): Result.Result<{ readonly rows: ReadonlyArray<Answered>; readonly fits: boolean }, Refusal> => {
  let bytes = 0
  const fitting: Array<Answered> = []
  for (const row of rows) {
    const size = bytesOf(row)
    bytes += size
    if (bytes <= maxReplyBytes) fitting.push(row)
    else if (request.operation !== "queryFeatures") {
      fitting.push({
        ...row,
        cells: row.cells.map((cell) => ({ value: null, effectiveTime: cell.effectiveTime, status: "UNKNOWN_STATUS" }))
      })
    }
  }
  if (bytes <= maxReplyBytes) return Result.succeed({ rows, fits: true })
  return request.allowPartialResults
    ? Result.succeed({ rows: fitting, fits: false })
    : Result.fail(replyTooLarge(bytes, maxReplyBytes, failedPreconditionStatus))
}
