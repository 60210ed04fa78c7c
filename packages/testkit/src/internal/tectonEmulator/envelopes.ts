/** The three ways in which Tecton says no: the feature server's, the Stream Ingest API's, and OAuth's. */
import type { Reply } from "../emulator/call.ts"
import { grpcCodeOf } from "../emulator/envelopes.ts"
import { json, type Refuse } from "../emulator/reply.ts"
import type { Refusal } from "../features/refusal.ts"

/** A header that is not accepted is 401, with gRPC's PERMISSION_DENIED. */
const permissionDenied = 7

/** The feature server's. */
export const refuseRead: Refuse = (status, message, headers) =>
  readFailure(status, status === 401 ? permissionDenied : grpcCodeOf(status), message, headers)

const readFailure = (status: number, code: number, message: string, headers?: Reply["headers"]): Reply =>
  json(status, { error: message, code, message }, headers)

/** The Stream Ingest API's. Of the types of errors one is documented, the others are guesses. */
export const refuseIngest: Refuse = (status, message, headers) =>
  json(status, { requestError: { errorMessage: message, errorType: errorTypeOf(status) } }, headers)

const errorTypeOf = (status: number): string => errorTypes.get(status) ?? "InternalError"

const errorTypes: ReadonlyMap<number, string> = new Map([
  [400, "RequestValidationError"],
  [401, "AuthenticationError"],
  [403, "AuthorizationError"],
  [404, "NotFoundError"],
  [413, "RequestValidationError"],
  [429, "ResourceExhaustedError"]
])

/** OAuth's. */
export const refuseToken: Refuse = (status, message, headers) =>
  json(status, { error: oauthErrors.get(status) ?? "server_error", error_description: message }, headers)

const oauthErrors: ReadonlyMap<number, string> = new Map([
  [400, "invalid_request"],
  [401, "invalid_client"],
  [503, "temporarily_unavailable"]
])

/** What the store said no to. */
export const readRefused = ({ code, message, status }: Refusal): Reply => readFailure(status, code, message)

/** What the store said no to. */
export const ingestRefused = ({ message, records, status }: Refusal, workspace: string): Reply =>
  records === undefined
    ? refuseIngest(status, message)
    : json(status, { workspaceName: workspace, recordErrors: records })
