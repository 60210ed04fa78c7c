/**
 * Real events: flights within the United States in early 2001, each with when it left, how late it was (in minutes,
 * negative when early), and from where to where. From the package `vega-datasets`; collected by the US Bureau of
 * Transportation Statistics.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import { Timestamp } from "@effect-connectors/tecton"
import * as Option from "effect/Option"
import { createRequire } from "node:module"
import * as path from "node:path"

export interface Flight {
  /** Its place in the file, from 0. */
  readonly id: number
  readonly date: Timestamp.Timestamp
  readonly delay: number
  readonly distance: number
  readonly origin: string
  readonly destination: string
}

/** The flights could not be read. */
export class FlightsError extends Schema.TaggedError<FlightsError>()("FlightsError", { detail: Schema.String }) {
  override get message(): string {
    return `the flights could not be read: ${this.detail}`
  }
}

/** 5,000 of them. */
export const file = path.join(
  path.dirname(createRequire(import.meta.url).resolve("vega-datasets")),
  "../data/flights-5k.json"
)

const Row = Schema.Struct({
  date: Schema.String,
  delay: Schema.Int,
  distance: Schema.Int,
  origin: Schema.NonEmptyString,
  destination: Schema.NonEmptyString
})

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Array(Row)))

/** `2001/01/14 21:55`, taken as UTC. */
const dateOf = (text: string) => Timestamp.parse(`${text.replaceAll("/", "-").replace(" ", "T")}Z`)

/** The flights in the order of their dates; of those of one minute, in that of the file. */
export const load: Effect.Effect<ReadonlyArray<Flight>, FlightsError, FileSystem.FileSystem> = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const rows = yield* decode(yield* files.readFileString(file))
  const flights = yield* Effect.forEach(rows, (row, id) =>
    Option.match(dateOf(row.date), {
      onNone: () => Effect.fail(new FlightsError({ detail: `flight ${id} has the date ${row.date}` })),
      onSome: (date): Effect.Effect<Flight> => Effect.succeed({ ...row, id, date })
    })
  )
  return flights.toSorted((a, b) => a.date.epochMillis - b.date.epochMillis || a.id - b.id)
}).pipe(Effect.mapError((error) => new FlightsError({ detail: error.message })))
