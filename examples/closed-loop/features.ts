/** What the feature store holds of each item: its texts, which come in, and its neighbours, which come back. */
import { FeatureService, StreamSource, Timestamp } from "@effect-connectors/tecton"
import { TectonWorkspace } from "@effect-connectors/testkit"
import * as Schema from "effect/Schema"

/** What a Tecton workspace has to define for this program; the memory layer and the emulator serve it. */
export const workspace = TectonWorkspace.make({
  entities: { item: { item: "string" } },
  sources: {
    items: {
      schema: { item: "string", at: "timestamp", name: "string", text: "string" },
      timestamp: "at"
    },
    neighbours: {
      schema: { item: "string", at: "timestamp", similar: "array<string>", scores: "array<float64>" },
      timestamp: "at"
    }
  },
  views: {
    item_texts: { type: "attribute", source: "items", entities: ["item"], features: ["name", "text"] },
    item_neighbours: {
      type: "attribute",
      source: "neighbours",
      entities: ["item"],
      features: ["similar", "scores"],
      ttl: "7 days"
    }
  },
  services: { texts: { features: ["item_texts"] }, neighbours: { features: ["item_neighbours"] } }
})

const Item = Schema.Struct({
  item: Schema.String,
  at: Timestamp.TimestampSchema,
  name: Schema.String,
  text: Schema.String
})

const Neighbours = Schema.Struct({
  item: Schema.String,
  at: Timestamp.TimestampSchema,
  similar: Schema.Array(Schema.String),
  scores: Schema.Array(Schema.Number)
})

/** The neighbours of an item, nearest first. */
export type Neighbours = typeof Neighbours.Type

export const items = StreamSource.make("items", { schema: Item, joinKeys: ["item"] })

export const neighbours = StreamSource.make("neighbours", { schema: Neighbours, joinKeys: ["item"] })

export const texts = FeatureService.make("texts", {
  joinKeys: { item: Schema.String },
  features: { "item_texts.name": Schema.String, "item_texts.text": Schema.String }
})

export const similar = FeatureService.make("neighbours", {
  joinKeys: { item: Schema.String },
  features: {
    "item_neighbours.similar": Schema.Array(Schema.String),
    "item_neighbours.scores": Schema.Array(Schema.Number)
  }
})
