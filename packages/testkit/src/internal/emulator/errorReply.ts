/** Error answers as each part of the service words them: the vector plane's envelope, the control plane's, or text. */
import * as DateTime from "effect/DateTime"
import { STATUS_CODES } from "node:http"
import type { Answer } from "../../FaultPlan.ts"
import type { Call, Reply } from "./call.ts"
import { json, text } from "./envelopes.ts"

/** The answer that `answer` describes, to `call`. `now` is in milliseconds since the epoch. */
export const errorReply = (answer: Omit<Answer, "_tag">, call: Call, now: () => number): Reply => {
  const { status, retryAfter } = answer
  const message = answer.message ?? STATUS_CODES[status] ?? `Status ${status}`
  const headers: Reply["headers"] =
    retryAfter === undefined
      ? {}
      : { "retry-after": answer.retryAfterAs === "date" ? httpDate(now() + retryAfter * 1_000) : String(retryAfter) }
  return answer.format === "text"
    ? text(status, message, headers)
    : json(status, envelope(status, message, call), headers)
}

const envelope = (status: number, message: string, call: Call): unknown => {
  const [grpcCode, name] = codes.get(status) ?? [2, "UNKNOWN"]
  return call.index === undefined
    ? { status, error: { code: name, message } }
    : { code: grpcCode, message, details: [] }
}

/** An HTTP date has whole seconds; the later one is taken, so that nobody comes back too early. */
const httpDate = (millis: number): string =>
  DateTime.toDateUtc(DateTime.makeUnsafe(Math.ceil(millis / 1_000) * 1_000)).toUTCString()

/** What the service calls a status: gRPC's code on the vector plane, a name on the control plane. */
const codes: ReadonlyMap<number, readonly [grpcCode: number, name: string]> = new Map([
  [400, [3, "INVALID_ARGUMENT"]],
  [401, [16, "UNAUTHENTICATED"]],
  [402, [9, "PAYMENT_REQUIRED"]],
  [403, [7, "FORBIDDEN"]],
  [404, [5, "NOT_FOUND"]],
  [408, [4, "DEADLINE_EXCEEDED"]],
  [409, [6, "ALREADY_EXISTS"]],
  [412, [9, "FAILED_PRECONDITION"]],
  [413, [11, "PAYLOAD_TOO_LARGE"]],
  [422, [3, "UNPROCESSABLE_ENTITY"]],
  [429, [8, "RESOURCE_EXHAUSTED"]],
  [500, [13, "INTERNAL"]],
  [501, [12, "UNIMPLEMENTED"]],
  [503, [14, "SERVICE_UNAVAILABLE"]],
  [504, [4, "DEADLINE_EXCEEDED"]]
])
