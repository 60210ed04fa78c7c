/**
 * The same features, computed in another way: by DuckDB, from the table of flights alone, with a point-in-time join. The
 * Parquet file is compared with them row by row.
 */
import { DuckDBInstance } from "@duckdb/node-api"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { file as flightsFile } from "./flights.ts"

/** DuckDB failed. */
export class CheckError extends Schema.TaggedError<CheckError>()("CheckError", { detail: Schema.String }) {
  override get message(): string {
    return `the check failed: ${this.detail}`
  }
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

/**
 * What was known of each flight before it left. Two flights of one airport in one minute are one event to Tecton: the
 * later one in the file replaces the other.
 */
const expected = (limit: number) => `
  WITH flights AS (
    SELECT (row_number() OVER ()) - 1 AS flight, strptime(date, '%Y/%m/%d %H:%M') AS date,
      delay, distance, origin, destination
    FROM read_json(${quoted(flightsFile)}, columns = {
      date: 'VARCHAR', delay: 'INTEGER', distance: 'INTEGER', origin: 'VARCHAR', destination: 'VARCHAR' })
  ),
  known AS (SELECT * FROM flights ORDER BY date, flight LIMIT ${limit}),
  departures AS (SELECT * FROM known QUALIFY flight = max(flight) OVER (PARTITION BY origin, date)),
  arrivals AS (SELECT * FROM known QUALIFY flight = max(flight) OVER (PARTITION BY destination, date)),
  of_origin AS (
    SELECT l.flight,
      nullif(count(d.flight) FILTER (d.date > l.date - INTERVAL 7 DAY), 0) AS count_7d,
      avg(d.delay) FILTER (d.date > l.date - INTERVAL 7 DAY) AS mean_delay_7d,
      max(d.delay) FILTER (d.date > l.date - INTERVAL 1 DAY) AS max_delay_1d,
      list(d.delay ORDER BY d.date) FILTER (d.date IS NOT NULL) AS delays
    FROM known l LEFT JOIN departures d
      ON d.origin = l.origin AND d.date < l.date AND d.date > l.date - INTERVAL 30 DAY
    GROUP BY l.flight
  ),
  of_destination AS (
    SELECT l.flight, avg(a.delay) AS arrivals_mean_7d
    FROM known l LEFT JOIN arrivals a
      ON a.destination = l.destination AND a.date < l.date AND a.date > l.date - INTERVAL 7 DAY
    GROUP BY l.flight
  ),
  last_departure AS (
    SELECT l.flight,
      CASE WHEN d.date > l.date - INTERVAL 3 DAY THEN d.destination END AS last_destination,
      CASE WHEN d.date > l.date - INTERVAL 3 DAY THEN d.delay END AS last_delay
    FROM known l ASOF LEFT JOIN departures d ON l.origin = d.origin AND l.date > d.date
  )
  SELECT l.flight, l.date, l.origin, l.destination, l.delay >= 15 AS label, l.distance, count_7d, mean_delay_7d, max_delay_1d,
    delays[-3:] AS last_delays, arrivals_mean_7d, last_destination, last_delay
  FROM known l JOIN of_origin USING (flight) JOIN of_destination USING (flight) JOIN last_departure USING (flight)`

const exact = [
  "date",
  "origin",
  "destination",
  "label",
  "distance",
  "count_7d",
  "max_delay_1d",
  "last_destination",
  "last_delay"
]
const means = ["mean_delay_7d", "arrivals_mean_7d"]

/** Every difference counts, also a value where there should be none. Sums of doubles may differ in their last digits. */
const differs = [
  ...exact.map((column) => `e.${column} IS DISTINCT FROM a.${column}`),
  ...means.map((column) => `(e.${column} IS NULL) <> (a.${column} IS NULL) OR abs(e.${column} - a.${column}) > 1e-9`),
  `e.last_delays IS DISTINCT FROM CAST(a.last_delays AS JSON)::INTEGER[]`
].join(" OR ")

const comparison = (parquet: string, limit: number) => `
  WITH expected AS (${expected(limit)}),
  compared AS (
    SELECT coalesce(e.flight, a.flight) AS flight, e.flight IS NULL OR a.flight IS NULL OR ${differs} AS differs
    FROM expected e FULL JOIN read_parquet(${quoted(parquet)}) a ON e.flight = a.flight
  )
  SELECT count(*)::INTEGER AS checked, (count(*) FILTER (differs))::INTEGER AS mismatches FROM compared`

const Counts = Schema.Struct({ checked: Schema.Int, mismatches: Schema.Int })
const decode = Schema.decodeUnknownEffect(Schema.NonEmptyArray(Counts))

const failed = (error: unknown) => new CheckError({ detail: error instanceof Error ? error.message : String(error) })

/** Compares the file's rows with those of the first `limit` flights; a row that only one of both has is a mismatch. */
export const check = (parquet: string, limit: number): Effect.Effect<typeof Counts.Type, CheckError> =>
  Effect.gen(function* () {
    const rows = yield* Effect.tryPromise({
      try: async () => {
        const instance = await DuckDBInstance.create(":memory:")
        const connection = await instance.connect()
        try {
          return (await connection.runAndReadAll(comparison(parquet, limit))).getRowObjects()
        } finally {
          connection.closeSync()
          instance.closeSync()
        }
      },
      catch: failed
    })
    const [counts] = yield* Effect.mapError(decode(rows), failed)
    return counts
  })
