/** What a benchmark and its processes tell each other. */
import * as Schema from "effect/Schema"

const Settings = Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite]))

/** What a contender is to do. */
export const Job = Schema.Struct({
  settings: Settings,
  /** Where the server listens, by what is served there. */
  addresses: Schema.Record(Schema.String, Schema.String),
  points: Schema.Array(
    Schema.Struct({
      at: Settings,
      warmUp: Schema.Int,
      timed: Schema.Int
    })
  )
})
export interface Job extends Schema.Schema.Type<typeof Job> {}

/** What a contender measured at a point, in the order of the points. */
export const Measured = Schema.Struct({
  records: Schema.Finite,
  seconds: Schema.Finite,
  cpuSeconds: Schema.Finite,
  /** The most that its process had resident up to now. */
  peakBytes: Schema.Finite,
  p50Millis: Schema.optionalKey(Schema.Finite),
  p99Millis: Schema.optionalKey(Schema.Finite),
  extra: Schema.optionalKey(Schema.Record(Schema.String, Schema.Finite)),
  note: Schema.optionalKey(Schema.String)
})
export interface Measured extends Schema.Schema.Type<typeof Measured> {}

/** Why a contender can not run at a point. */
export const Unable = Schema.Struct({ unable: Schema.String })

export const Answer = Schema.Union([Measured, Unable])
export type Answer = Schema.Schema.Type<typeof Answer>

/** The first message of a server. */
export const Ready = Schema.Struct({ addresses: Schema.Record(Schema.String, Schema.String) })

/** What a server is told when it starts. */
export const ServerSettings = Schema.fromJsonString(Settings)
