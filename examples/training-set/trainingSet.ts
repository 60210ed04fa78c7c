/** Makes a training set and checks it. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as check from "./check.ts"
import * as Flights from "./flights.ts"
import * as parquet from "./parquet.ts"
import { replay, type Row } from "./replay.ts"
import { StoreClock } from "./stores.ts"

/** What was made. */
export interface Made {
  readonly rows: ReadonlyArray<Row>
  readonly checked: number
  readonly mismatches: number
}

/** The features of the first `limit` flights, in a Parquet file. `onRows` hears of each chunk of rows. */
export const make = Effect.fnUntraced(function* (
  file: string,
  limit: number,
  onRows: (rows: number) => Effect.Effect<void>
) {
  const flights = (yield* Flights.load).slice(0, limit)
  const clock = yield* StoreClock
  const rows = yield* replay(flights, clock.set).pipe(
    Stream.rechunk(500),
    Stream.mapArrayEffect((chunk) => Effect.as(onRows(chunk.length), chunk)),
    Stream.runCollect
  )
  yield* parquet.write(file, rows)
  const counts = yield* check.check(file, limit)
  const made: Made = { rows, ...counts }
  return made
})
