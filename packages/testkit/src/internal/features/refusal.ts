/**
 * What the store says no to. Texts seen in captured answers: a missing join key, an unknown feature service, the
 * concurrency limit, the authorization header. The others are worded here.
 */
import { clip } from "@effect-connectors/core/ConnectorError"
import * as Result from "effect/Result"
import type { Assumptions } from "./assumptions.ts"

/** A record that a view does not take. Nothing says which record it is, as at Tecton. */
export interface RecordError {
  /** Absent when no view subscribes to the source. */
  readonly featureViewName?: string | undefined
  readonly pushSourceName: string
  readonly errorType: string
  readonly errorMessage: string
}

/** Why a call was not carried out. */
export interface Refusal {
  /** HTTP's. */
  readonly status: number
  /** gRPC's. */
  readonly code: number
  readonly message: string
  /** What the call is about is not there. */
  readonly missing?: "workspace" | "feature service" | "stream source" | undefined
  /** Of an ingest call whose records are to blame. */
  readonly records?: ReadonlyArray<RecordError> | undefined
}

/** gRPC's numbers. */
const invalidArgument = 3
const notFound = 5
const resourceExhausted = 8
const failedPrecondition = 9

export const bad = (message: string): Refusal => ({ status: 400, code: invalidArgument, message: clip(message) })

/** Refuses the body of a read that is too long. */
export const requestTooLong = (
  bytes: number,
  { maxRequestBytes }: Pick<Assumptions, "maxRequestBytes">
): Result.Result<void, Refusal> =>
  bytes > maxRequestBytes
    ? Result.fail(bad(`A request has at most ${maxRequestBytes} bytes, got ${bytes}`))
    : Result.void

export const unknownWorkspace = (workspace: string): Refusal => ({
  status: 404,
  code: notFound,
  message: clip(`Workspace ${workspace} not found`),
  missing: "workspace"
})

/** Also of a workspace that is not live. */
export const unknownService = (service: string, workspace: string, status: number): Refusal => ({
  status,
  code: notFound,
  message: clip(
    `Unable to query FeatureService ${service} for workspace ${workspace}. ` +
      "Newly created feature services may take up to 60 seconds to query. " +
      "Also, ensure that the workspace is a live workspace."
  ),
  missing: "feature service"
})

export const unknownSource = (source: string, workspace: string): Refusal => ({
  status: 404,
  code: notFound,
  message: clip(`Stream source ${source} not found in workspace ${workspace}`),
  missing: "stream source"
})

export const noSubscriber = (source: string, workspace: string): Refusal => ({
  status: 404,
  code: notFound,
  message: clip(`No feature view of workspace ${workspace} is subscribed to stream source ${source}`),
  missing: "stream source"
})

export const notLive = (workspace: string): Refusal => ({
  status: 404,
  code: notFound,
  message: clip(`Workspace ${workspace} is not live`),
  missing: "workspace"
})

export const replyTooLarge = (bytes: number, maxBytes: number, status: number): Refusal => ({
  status,
  code: failedPrecondition,
  message: `The online store's response size limit is exceeded: ${bytes} bytes, the limit is ${maxBytes}`
})

export const tooManyInFlight: Refusal = {
  status: 429,
  code: resourceExhausted,
  message: "FeatureService/GetFeatures exceeded the concurrent request limit, please retry later"
}

export const recordsRefused = (records: ReadonlyArray<RecordError>, status: number): Refusal => ({
  status,
  code: invalidArgument,
  message: describe(records),
  records
})

/** In the words in which the HTTP client tells them. */
const describe = (records: ReadonlyArray<RecordError>): string => {
  const lines = records
    .slice(0, 3)
    .map(({ errorMessage, featureViewName }) =>
      featureViewName === undefined ? errorMessage : `${featureViewName}: ${errorMessage}`
    )
  const more = records.length - lines.length
  return clip(more > 0 ? `${lines.join("; ")}; and ${more} more` : lines.join("; "))
}
