import { FeatureService, FeatureValue, Timestamp } from "@effect-connectors/tecton"
import type * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <_ extends true>(): void => {}

const fraud = FeatureService.make("fraud", {
  joinKeys: { user_id: Schema.String, card: Schema.optionalKey(Schema.NullOr(Schema.BigInt)) },
  requestContext: { amount: Schema.Number },
  features: {
    "clicks.count": Schema.BigInt,
    "clicks.small": FeatureValue.SafeInt,
    "profile.languages": Schema.Array(Schema.NullOr(Schema.String)),
    "profile.position": Schema.Struct({ lat: Schema.Number, lon: Schema.Number }),
    "profile.tags": Schema.Record(Schema.String, Schema.BigInt),
    "profile.since": Timestamp.AsDateTime
  }
})

type Vector = FeatureService.VectorOf<typeof fraud>

same<Equal<Vector["clicks.count"]["value"], bigint | null>>()
same<Equal<Vector["clicks.small"]["value"], number | null>>()
same<Equal<Vector["profile.languages"]["value"], ReadonlyArray<string | null> | null>>()
same<Equal<Vector["profile.position"]["value"], { readonly lat: number; readonly lon: number } | null>>()
same<Equal<Vector["profile.since"]["value"], DateTime.Utc | null>>()

const keys: (typeof fraud)["joinKeys"]["Type"] = { user_id: "a" }
const both: (typeof fraud)["joinKeys"]["Type"] = { user_id: "a", card: null }
// @ts-expect-error a number is no bigint
const wrong: (typeof fraud)["joinKeys"]["Type"] = { user_id: "a", card: 1 }
// @ts-expect-error a key is missing
const missing: (typeof fraud)["joinKeys"]["Type"] = { card: 1n }

// @ts-expect-error no feature has a value like this on the wire's side
FeatureService.make("x", { joinKeys: { id: Schema.String }, features: { "a.b": Schema.Date } })
// @ts-expect-error a join key is no boolean
FeatureService.make("x", { joinKeys: { id: Schema.Boolean }, features: {} })

const noContext = FeatureService.make("x", { joinKeys: { id: Schema.String }, features: {} })

export const all = [keys, both, wrong, missing, noContext]
