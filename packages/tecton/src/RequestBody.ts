/**
 * Bodies of requests as they go on the wire. Whoever sends or measures them by other means than `TectonClient.layer` makes
 * them here.
 */
import { joinKey, wireFields, wireValue } from "./RequestValue.ts"
import type {
  EncodedRecord,
  FeaturesBatchRequest,
  FeaturesRequest,
  Include,
  IngestRequest,
  Lookup,
  Options
} from "./TectonApi.ts"

const lookupBody = ({ joinKeys, requestContext }: Lookup) => {
  const keys = joinKeys === undefined ? {} : { joinKeyMap: wireFields(joinKeys, joinKey) }
  return requestContext === undefined
    ? keys
    : { ...keys, requestContextMap: wireFields(requestContext, (value) => wireValue(value)) }
}

const metadataOptions = (include: Include = {}) => {
  const flags: ReadonlyArray<readonly [name: string, wanted: boolean | undefined]> = [
    ["includeNames", include.names],
    ["includeDataTypes", include.dataTypes],
    ["includeEffectiveTimes", include.effectiveTimes],
    ["includeServingStatus", include.servingStatus],
    ["includeSloInfo", include.sloInfo],
    ["includeFeatureDescriptions", include.descriptions],
    ["includeFeatureTags", include.tags]
  ]
  const chosen = flags.filter(([, wanted]) => wanted === true)
  return chosen.length === 0 ? {} : { metadataOptions: Object.fromEntries(chosen) }
}

const paramsOf = (request: FeaturesRequest | FeaturesBatchRequest) => ({
  ...("lookups" in request ? { requestData: request.lookups.map(lookupBody) } : lookupBody(request)),
  ...metadataOptions(request.include),
  ...(request.requestOptions === undefined ? {} : { requestOptions: request.requestOptions }),
  ...(request.allowPartialResults === true ? { allowPartialResults: true } : {})
})

/** A read. The second API has the names of workspace and service in its path: there `workspace` is left out. */
export const features = (workspace: string | undefined, request: FeaturesRequest | FeaturesBatchRequest): string => {
  const names = workspace === undefined ? {} : { featureServiceName: request.service, workspaceName: workspace }
  return JSON.stringify({ params: { ...names, ...paramsOf(request) } })
}

/** A question for metadata, of the first API. */
export const metadata = (workspace: string, service: string): string =>
  JSON.stringify({ params: { featureServiceName: service, workspaceName: workspace } })

const ingestNames = { v1: ["workspace_name", "dry_run"], v2: ["workspaceName", "dryRun"] } as const

/** An ingest, around records that are JSON already. */
export const ingest = (
  workspace: string,
  {
    dryRun = false,
    records
  }: Omit<IngestRequest, "records"> & {
    readonly records: ReadonlyMap<string, ReadonlyArray<EncodedRecord>>
  },
  api: NonNullable<Options["ingestApi"]> = "v1"
): string => {
  const [workspaceName, dryRunName] = ingestNames[api]
  const sources = Array.from(
    records,
    ([source, ofSource]) => `${JSON.stringify(source)}:[${ofSource.map(({ json }) => json).join(",")}]`
  )
  return `{"${workspaceName}":${JSON.stringify(workspace)},"${dryRunName}":${dryRun},"records":{${sources.join(",")}}}`
}

const utf8 = new TextEncoder()

/** Bytes of an ingest of one source beside its records. */
export const ingestEnvelopeBytes = (
  workspace: string,
  source: string,
  api: NonNullable<Options["ingestApi"]> = "v1"
): number => utf8.encode(ingest(workspace, { records: new Map([[source, []]]) }, api)).byteLength
