/** Error answers, in the envelope of the API that a call is for or as text. */
import * as DateTime from "effect/DateTime"
import { STATUS_CODES } from "node:http"
import type { Answer } from "../../FaultPlan.ts"
import type { Reply } from "./call.ts"
import { type Refuse, text } from "./reply.ts"

/** The answer that `answer` describes; `refuse` has the envelope. `now` is in milliseconds since the epoch. */
export const errorReply = (answer: Omit<Answer, "_tag">, refuse: Refuse, now: () => number): Reply => {
  const { status, retryAfter } = answer
  const message = answer.message ?? STATUS_CODES[status] ?? `Status ${status}`
  const headers: Reply["headers"] =
    retryAfter === undefined
      ? {}
      : { "retry-after": answer.retryAfterAs === "date" ? httpDate(now() + retryAfter * 1_000) : String(retryAfter) }
  if (answer.format === "text") return text(status, message, headers)
  return refuse(status, message, headers)
}

/** An HTTP date has whole seconds; the later one is taken, so that nobody comes back too early. */
const httpDate = (millis: number): string =>
  DateTime.toDateUtc(DateTime.makeUnsafe(Math.ceil(millis / 1_000) * 1_000)).toUTCString()
