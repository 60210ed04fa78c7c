/** The features of a flight: what was known of its airports when it left. */
import { FeatureService, FeatureValue, StreamSource, Timestamp } from "@effect-connectors/tecton"
import { TectonWorkspace } from "@effect-connectors/testkit"
import * as Schema from "effect/Schema"

/** What a Tecton workspace has to define for this program; the memory layer and the emulator serve it. */
export const workspace = TectonWorkspace.make({
  entities: { origin: { origin: "string" }, destination: { destination: "string" } },
  sources: {
    flights: {
      schema: { origin: "string", destination: "string", date: "timestamp", delay: "int64", distance: "int64" },
      timestamp: "date"
    }
  },
  views: {
    departures: {
      type: "aggregate",
      source: "flights",
      entities: ["origin"],
      features: {
        count_7d: { function: "count", column: "delay", window: "7 days" },
        mean_delay_7d: { function: "mean", column: "delay", window: "7 days" },
        max_delay_1d: { function: "max", column: "delay", window: "1 day" },
        last_delays: { function: "last_n", n: 3, column: "delay", window: "30 days" }
      }
    },
    arrivals: {
      type: "aggregate",
      source: "flights",
      entities: ["destination"],
      features: { mean_delay_7d: { function: "mean", column: "delay", window: "7 days" } }
    },
    last_departure: {
      type: "attribute",
      source: "flights",
      entities: ["origin"],
      features: ["destination", "delay"],
      ttl: "3 days"
    },
    flight: { type: "realtime", requestContext: { distance: "int64" }, features: { distance: "int64" } }
  },
  services: { delays: { features: ["departures", "arrivals", "last_departure", "flight"] } }
})

export const source = StreamSource.make("flights", {
  schema: Schema.Struct({
    origin: Schema.String,
    destination: Schema.String,
    date: Timestamp.TimestampSchema,
    delay: Schema.Int,
    distance: Schema.Int
  }),
  joinKeys: ["origin"]
})

export const delays = FeatureService.make("delays", {
  joinKeys: { origin: Schema.String, destination: Schema.String },
  requestContext: { distance: Schema.BigInt },
  features: {
    "flight.distance": FeatureValue.SafeInt,
    "departures.count_7d": FeatureValue.SafeInt,
    "departures.mean_delay_7d": Schema.Number,
    "departures.max_delay_1d": FeatureValue.SafeInt,
    "departures.last_delays": Schema.Array(FeatureValue.SafeInt),
    "arrivals.mean_delay_7d": Schema.Number,
    "last_departure.destination": Schema.String,
    "last_departure.delay": FeatureValue.SafeInt
  }
})

/** The features of one flight. */
export type Features = FeatureService.VectorOf<typeof delays>
