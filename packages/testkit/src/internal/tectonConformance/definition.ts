/** The workspace of the suite, and the same in types. */
import * as FeatureService from "@effect-connectors/tecton/FeatureService"
import * as FeatureValue from "@effect-connectors/tecton/FeatureValue"
import * as StreamSource from "@effect-connectors/tecton/StreamSource"
import * as Timestamp from "@effect-connectors/tecton/Timestamp"
import * as Schema from "effect/Schema"
import * as TectonWorkspace from "../../TectonWorkspace.ts"

/** A value of every type, by the keys of a user and a card, as the latest and in aggregates. */
export const definition = TectonWorkspace.make({
  entities: { user: { user_id: "string" }, card: { card: "int64" } },
  sources: {
    conformance_events: {
      schema: {
        user_id: "string",
        card: "int64",
        timestamp: "timestamp",
        amount: "int64",
        score: "float64",
        good: "boolean",
        seen_at: "timestamp",
        tags: "array<string>",
        position: "struct<lat: float64, lon: float64>",
        weights: "map<string, float64>"
      },
      timestamp: "timestamp"
    }
  },
  views: {
    conformance_cards: {
      type: "attribute",
      source: "conformance_events",
      entities: ["user", "card"],
      features: ["amount"],
      onlineServingIndex: ["user_id"],
      ttl: "30 days"
    },
    conformance_latest: {
      type: "attribute",
      source: "conformance_events",
      entities: ["user"],
      features: ["amount", "score", "good", "seen_at", "tags", "position", "weights"],
      ttl: "30 days"
    },
    conformance_sums: {
      type: "aggregate",
      source: "conformance_events",
      entities: ["user"],
      features: {
        count_1h: { function: "count", column: "amount", window: "1 hour" },
        sum_1h: { function: "sum", column: "amount", window: "1 hour" },
        mean_1h: { function: "mean", column: "score", window: "1 hour" },
        max_1h: { function: "max", column: "amount", window: "1 hour" },
        last_1h: { function: "last_n", n: 3, column: "amount", window: "1 hour" }
      }
    },
    conformance_request: { type: "realtime", requestContext: { factor: "float64" }, features: { factor: "float64" } }
  },
  services: {
    conformance: { features: ["conformance_latest", "conformance_sums", "conformance_request"] },
    conformance_cards: { features: ["conformance_cards"] }
  }
})

const Event = Schema.Struct({
  user_id: Schema.String,
  card: Schema.Int,
  timestamp: Timestamp.TimestampSchema,
  amount: Schema.NullOr(Schema.Int),
  score: Schema.NullOr(Schema.Number),
  good: Schema.NullOr(Schema.Boolean),
  seen_at: Schema.NullOr(Timestamp.TimestampSchema),
  tags: Schema.NullOr(Schema.Array(Schema.NullOr(Schema.String))),
  position: Schema.NullOr(Schema.Struct({ lat: Schema.NullOr(Schema.Number), lon: Schema.NullOr(Schema.Number) })),
  weights: Schema.NullOr(Schema.Record(Schema.String, Schema.NullOr(Schema.Number)))
})

export type Event = typeof Event.Type

export const events = StreamSource.make("conformance_events", { schema: Event, joinKeys: ["user_id"] })

export const service = FeatureService.make("conformance", {
  joinKeys: { user_id: Schema.NullOr(Schema.String) },
  requestContext: { factor: Schema.optionalKey(Schema.Number) },
  features: {
    "conformance_request.factor": Schema.Number,
    "conformance_latest.amount": FeatureValue.SafeInt,
    "conformance_latest.score": Schema.Number,
    "conformance_latest.good": Schema.Boolean,
    "conformance_latest.seen_at": Timestamp.TimestampSchema,
    "conformance_latest.tags": Schema.Array(Schema.NullOr(Schema.String)),
    "conformance_latest.position": Schema.Struct({
      lat: Schema.NullOr(Schema.Number),
      lon: Schema.NullOr(Schema.Number)
    }),
    "conformance_latest.weights": Schema.Record(Schema.String, Schema.NullOr(Schema.Number)),
    "conformance_sums.count_1h": Schema.BigInt,
    "conformance_sums.sum_1h": Schema.BigInt,
    "conformance_sums.mean_1h": Schema.Number,
    "conformance_sums.max_1h": Schema.BigInt,
    "conformance_sums.last_1h": Schema.Array(Schema.BigInt)
  }
})

export type Vector = FeatureService.VectorOf<typeof service>

/** A wildcard service: some of its keys are asked for, the others answered. */
export const cards = FeatureService.make("conformance_cards", {
  joinKeys: { user_id: Schema.String },
  features: { "conformance_cards.amount": FeatureValue.SafeInt }
})
