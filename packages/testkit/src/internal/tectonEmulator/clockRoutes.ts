/**
 * The clock over HTTP, for tests in other languages:
 * - `GET /__admin/clock`: what time it is, and whether it stands;
 * - `PUT /__admin/clock`: `{"now":"2026-01-01T00:00:00Z"}` stops it at a time, `{"advance":"1 hour"}` moves it on;
 * - `DELETE /__admin/clock`: it follows the time again.
 *
 * Each answers with what `GET` would say.
 */
import * as Timestamp from "@effect-connectors/tecton/Timestamp"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Reply } from "../emulator/call.ts"
import { json } from "../emulator/reply.ts"
import type { ControlledClock } from "./controlledClock.ts"

/** Answers a request to the route of the clock; `undefined` when `path` is another route. */
export const handle = (method: string, path: string, body: string, clock: ControlledClock): Reply | undefined => {
  if (path !== "/__admin/clock") return undefined
  switch (method) {
    case "GET":
      return state(clock)
    case "DELETE":
      clock.follow()
      return state(clock)
    case "PUT":
      return Result.match(
        Result.flatMap(
          Result.mapError(decode(body), (error) => error.message),
          (change) => move(clock, change)
        ),
        { onFailure: (error) => json(400, { error }), onSuccess: () => state(clock) }
      )
    default:
      return json(405, { error: `${method} is none of GET, PUT and DELETE` }, { allow: "GET, PUT, DELETE" })
  }
}

const state = (clock: ControlledClock): Reply =>
  json(200, { now: Timestamp.fromMillis(clock.now()).toString(), stands: clock.stands() })

const Change = Schema.Union([Schema.Struct({ now: Schema.String }), Schema.Struct({ advance: Schema.String })])

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Change), { onExcessProperty: "error" })

const move = (clock: ControlledClock, change: typeof Change.Type): Result.Result<void, string> => {
  if ("now" in change) {
    return Option.match(Timestamp.parse(change.now), {
      onNone: () => Result.fail(`${JSON.stringify(change.now)} is no time; write it like "2026-01-01T00:00:00Z"`),
      onSome: ({ epochMillis }) => Result.succeed(clock.set(epochMillis))
    })
  }
  const duration = Option.getOrUndefined(durationOf(change.advance))
  return duration === undefined || !Duration.isFinite(duration)
    ? Result.fail(`${JSON.stringify(change.advance)} is no duration; write it like "1 hour"`)
    : Result.succeed(clock.advance(Duration.toMillis(duration)))
}

const isInput = (text: string): text is `${number} hours` => /^-?\d/.test(text)

const durationOf = (text: string): Option.Option<Duration.Duration> =>
  isInput(text) ? Duration.fromInput(text) : Option.none()
