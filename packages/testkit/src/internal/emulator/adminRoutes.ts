/**
 * Faults over HTTP, for tests in other languages:
 * - `PUT /__admin/faults`: the body, a fault plan as JSON, replaces the plan; counters start at 0;
 * - `GET /__admin/faults`: the plan and its counters;
 * - `DELETE /__admin/faults`: nothing goes wrong any more.
 *
 * Each answers with what `GET` would say.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as FaultPlan from "../../FaultPlan.ts"
import type { Reply } from "./call.ts"
import { json } from "./reply.ts"
import type { Faults } from "./faults.ts"

/** Answers a request to the route of faults; `undefined` when `path` is another route. */
export const handle = (method: string, path: string, body: string, faults: Faults): Reply | undefined => {
  if (path !== "/__admin/faults") return undefined
  switch (method) {
    case "GET":
      return state(faults)
    case "DELETE":
      faults.replace(FaultPlan.none)
      return state(faults)
    case "PUT":
      return Result.match(decode(body), {
        onFailure: (error) => json(400, { error: error.message }),
        onSuccess: (plan) => {
          faults.replace(plan)
          return state(faults)
        }
      })
    default:
      return json(405, { error: `${method} is none of GET, PUT and DELETE` }, { allow: "GET, PUT, DELETE" })
  }
}

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(FaultPlan.FaultPlan), { onExcessProperty: "error" })

const state = (faults: Faults): Reply =>
  json(200, {
    plan: faults.plan(),
    matched: faults.matched(),
    fired: faults.fired(),
    overQuota: faults.overQuota()
  })
