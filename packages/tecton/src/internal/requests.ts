/** The requests of a workspace: their paths and bodies. */
import { InvalidOption, InvalidRecord } from "@effect-connectors/core/ConnectorError"
import * as ExactJson from "@effect-connectors/core/ExactJson"
import * as Result from "effect/Result"
import { checkJoinKey, checkValue, joinKey, wireFields, wireValue } from "../RequestValue.ts"
import type { FeaturesBatchRequest, FeaturesRequest, Include, IngestRequest, Lookup } from "../TectonApi.ts"
import { isPathSegment, type Settings } from "./settings.ts"

/** A request before its credentials. */
export interface Route {
  readonly method: "GET" | "POST"
  readonly url: string
  readonly body?: string | undefined
}

export type Read = "get-features" | "get-features-batch" | "query-features"

/** What is wrong with the keys and the context of a lookup, if anything is. */
export const checkLookup = (lookup: Lookup): InvalidRecord | undefined => {
  for (const [name, value] of Object.entries(lookup.joinKeys ?? {})) {
    const issue = name === "" ? "has no name" : value === undefined ? undefined : checkJoinKey(value)
    if (issue !== undefined) return new InvalidRecord({ field: `join key ${name}`, issue })
  }
  for (const [name, value] of Object.entries(lookup.requestContext ?? {})) {
    const issue = name === "" ? "has no name" : value === undefined ? undefined : checkValue(value)
    if (issue !== undefined) return new InvalidRecord({ field: `request context ${name}`, issue })
  }
  return undefined
}

const lookupBody = ({ joinKeys, requestContext }: Lookup) => ({
  ...(joinKeys === undefined ? {} : { joinKeyMap: wireFields(joinKeys, joinKey) }),
  ...(requestContext === undefined
    ? {}
    : { requestContextMap: wireFields(requestContext, (value) => wireValue(value)) })
})

const flags = {
  names: "includeNames",
  dataTypes: "includeDataTypes",
  effectiveTimes: "includeEffectiveTimes",
  servingStatus: "includeServingStatus",
  sloInfo: "includeSloInfo",
  descriptions: "includeFeatureDescriptions",
  tags: "includeFeatureTags"
} as const

const metadataOptions = (include: Include = {}) => {
  const chosen = Object.entries(flags).flatMap(([name, flag]) =>
    Object.entries(include).some(([key, value]) => key === name && value === true) ? [[flag, true] as const] : []
  )
  return chosen.length === 0 ? {} : { metadataOptions: Object.fromEntries(chosen) }
}

const paramsOf = (request: FeaturesRequest | FeaturesBatchRequest) => ({
  ...("lookups" in request ? { requestData: request.lookups.map(lookupBody) } : lookupBody(request)),
  ...metadataOptions(request.include),
  ...(request.requestOptions === undefined ? {} : { requestOptions: request.requestOptions }),
  ...(request.allowPartialResults === true ? { allowPartialResults: true } : {})
})

const inV2 = ({ url, workspace }: Settings, service: string, call: string): string =>
  `${url}/api/v2/workspaces/${encodeURIComponent(workspace)}/feature-services/${encodeURIComponent(service)}/${call}`

/** Why a name can not be asked for, if it can not: an empty one is none, and in a path others lead elsewhere. */
const checkService = ({ api }: Settings, service: string): InvalidOption | undefined => {
  if (service === "") return new InvalidOption({ option: "service", issue: "is empty; name the feature service" })
  return api === "v1" || isPathSegment(service)
    ? undefined
    : new InvalidOption({ option: "service", issue: `is ${JSON.stringify(service)}, which no address can hold` })
}

/** A read, or why it can not be made. */
export const read = (
  settings: Settings,
  call: Read,
  request: FeaturesRequest | FeaturesBatchRequest
): Result.Result<Route, InvalidOption | InvalidRecord> => {
  const noService = checkService(settings, request.service)
  if (noService !== undefined) return Result.fail(noService)
  const lookups = "lookups" in request ? request.lookups : [request]
  for (const lookup of lookups) {
    const wrong = checkLookup(lookup)
    if (wrong !== undefined) return Result.fail(wrong)
  }
  const names = { featureServiceName: request.service, workspaceName: settings.workspace }
  const params = settings.api === "v1" ? { ...names, ...paramsOf(request) } : paramsOf(request)
  return Result.succeed({
    method: "POST",
    url:
      settings.api === "v1" ? `${settings.url}/api/v1/feature-service/${call}` : inV2(settings, request.service, call),
    body: ExactJson.stringify({ params })
  })
}

export const metadata = (settings: Settings, service: string): Result.Result<Route, InvalidOption> => {
  const noService = checkService(settings, service)
  if (noService !== undefined) return Result.fail(noService)
  if (settings.api === "v2") return Result.succeed({ method: "GET", url: inV2(settings, service, "metadata") })
  return Result.succeed({
    method: "POST",
    url: `${settings.url}/api/v1/feature-service/metadata`,
    body: JSON.stringify({ params: { featureServiceName: service, workspaceName: settings.workspace } })
  })
}

const ingestNames = { v1: ["workspace_name", "dry_run"], v2: ["workspaceName", "dryRun"] } as const

/** The body of an ingest around the records of each source, which are JSON already. */
const ingestBody = (settings: Settings, dryRun: boolean, sources: ReadonlyArray<readonly [string, string]>): string => {
  const [workspace, dry] = ingestNames[settings.ingestApi]
  const records = sources.map(([source, json]) => `${JSON.stringify(source)}:[${json}]`)
  return `{"${workspace}":${JSON.stringify(settings.workspace)},"${dry}":${dryRun},"records":{${records.join(",")}}}`
}

/** Bytes of an ingest of one source beside its records. */
export const ingestEnvelopeBytes = (settings: Settings, source: string): number =>
  new TextEncoder().encode(ingestBody(settings, false, [[source, ""]])).byteLength

export const ingest = (settings: Settings, ingestUrl: string, request: IngestRequest): Route => ({
  method: "POST",
  url: `${ingestUrl}${settings.ingestApi === "v1" ? "/ingest" : "/v2/ingest"}`,
  body: ingestBody(
    settings,
    request.dryRun ?? false,
    Array.from(request.records, ([source, records]) => [source, records.map(({ json }) => json).join(",")] as const)
  )
})
