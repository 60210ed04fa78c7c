/** The training set as a Parquet file: one row for each flight, null where there was no value. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { parquetWriteFile } from "hyparquet-writer"
import type { Row } from "./replay.ts"

/** The file could not be written. */
export class WriteError extends Schema.TaggedError<WriteError>()("WriteError", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.file} could not be written: ${this.detail}`
  }
}

/** Columns of rows. `label` is what a model is to predict: was the flight late by a quarter of an hour or more? */
const columnsOf = (rows: ReadonlyArray<Row>) => [
  { name: "flight", type: "INT32" as const, data: rows.map(([flight]) => flight.id) },
  { name: "date", type: "TIMESTAMP" as const, data: rows.map(([flight]) => new Date(flight.date.epochMillis)) },
  { name: "origin", type: "STRING" as const, data: rows.map(([flight]) => flight.origin) },
  { name: "destination", type: "STRING" as const, data: rows.map(([flight]) => flight.destination) },
  { name: "label", type: "BOOLEAN" as const, data: rows.map(([flight]) => flight.delay >= 15) },
  { name: "distance", type: "INT32" as const, data: rows.map(([, f]) => f["flight.distance"].value) },
  { name: "count_7d", type: "INT32" as const, data: rows.map(([, f]) => f["departures.count_7d"].value) },
  { name: "mean_delay_7d", type: "DOUBLE" as const, data: rows.map(([, f]) => f["departures.mean_delay_7d"].value) },
  { name: "max_delay_1d", type: "INT32" as const, data: rows.map(([, f]) => f["departures.max_delay_1d"].value) },
  { name: "last_delays", type: "JSON" as const, data: rows.map(([, f]) => f["departures.last_delays"].value) },
  { name: "arrivals_mean_7d", type: "DOUBLE" as const, data: rows.map(([, f]) => f["arrivals.mean_delay_7d"].value) },
  {
    name: "last_destination",
    type: "STRING" as const,
    data: rows.map(([, f]) => f["last_departure.destination"].value)
  },
  { name: "last_delay", type: "INT32" as const, data: rows.map(([, f]) => f["last_departure.delay"].value) }
]

/** Writes rows to a file, in place of what was there. */
export const write = (file: string, rows: ReadonlyArray<Row>): Effect.Effect<void, WriteError> =>
  Effect.try({
    try: () => parquetWriteFile({ filename: file, columnData: columnsOf(rows) }),
    catch: (error) => new WriteError({ file, detail: error instanceof Error ? error.message : String(error) })
  })
