/** The requests of a workspace: where they go, and which can not be made. */
import { InvalidOption, type InvalidRecord } from "@effect-connectors/core/ConnectorError"
import * as Result from "effect/Result"
import * as RequestBody from "../RequestBody.ts"
import { checkLookup } from "../RequestValue.ts"
import type { FeaturesBatchRequest, FeaturesRequest, IngestRequest } from "../TectonApi.ts"
import { isPathSegment, type Settings } from "./settings.ts"

/** A request before its credentials. */
export interface Route {
  readonly method: "GET" | "POST"
  readonly url: string
  readonly body?: string | undefined
}

export type Read = "get-features" | "get-features-batch" | "query-features"

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
  return Result.succeed({
    method: "POST",
    url:
      settings.api === "v1" ? `${settings.url}/api/v1/feature-service/${call}` : inV2(settings, request.service, call),
    body: RequestBody.features(settings.api === "v1" ? settings.workspace : undefined, request)
  })
}

export const metadata = (settings: Settings, service: string): Result.Result<Route, InvalidOption> => {
  const noService = checkService(settings, service)
  if (noService !== undefined) return Result.fail(noService)
  if (settings.api === "v2") return Result.succeed({ method: "GET", url: inV2(settings, service, "metadata") })
  return Result.succeed({
    method: "POST",
    url: `${settings.url}/api/v1/feature-service/metadata`,
    body: RequestBody.metadata(settings.workspace, service)
  })
}

export const ingest = (settings: Settings, ingestUrl: string, request: IngestRequest): Route => ({
  method: "POST",
  url: `${ingestUrl}${settings.ingestApi === "v1" ? "/ingest" : "/v2/ingest"}`,
  body: RequestBody.ingest(settings.workspace, request, settings.ingestApi)
})
