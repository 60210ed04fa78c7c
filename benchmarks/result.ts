/**
 * What a suite of benchmarks says: the file that `npm run bench -- --suite NAME --json FILE` writes, and that the report
 * is made of. Every number in it was measured.
 */
import * as Schema from "effect/Schema"

/** Of several rounds. */
export const Spread = Schema.Struct({ median: Schema.Finite, min: Schema.Finite, max: Schema.Finite })
export interface Spread extends Schema.Schema.Type<typeof Spread> {}

/** One contender at one point of the suite's grid. */
export const Row = Schema.Struct({
  contender: Schema.String,
  /** The settings that make the point, for instance `{ dimension: 384, batch: 100, concurrency: 8, latencyMillis: 0 }`. */
  point: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite])),
  /** The contender that the others at its point are compared with. */
  baseline: Schema.Boolean,
  rounds: Schema.Int,
  /** Records (rows, queries) per second. */
  perSecond: Schema.optionalKey(Spread),
  /** `perSecond` over the baseline's of the same round. */
  ratio: Schema.optionalKey(Spread),
  /** Processor time of the contender's process for one record. */
  cpuMicros: Schema.optionalKey(Spread),
  /** The most memory that the contender's process had resident. */
  peakBytes: Schema.optionalKey(Spread),
  /** Of a call. */
  p50Millis: Schema.optionalKey(Spread),
  p99Millis: Schema.optionalKey(Spread),
  /** What only this suite measures, by its name with the unit, for instance `refusedCalls`. */
  extra: Schema.optionalKey(Schema.Record(Schema.String, Spread)),
  /** Why there are no numbers, or what to know about them. */
  note: Schema.optionalKey(Schema.String)
})
export interface Row extends Schema.Schema.Type<typeof Row> {}

/** What must hold. */
export const Bar = Schema.Struct({
  name: Schema.String,
  bar: Schema.Finite,
  ratio: Schema.Finite,
  /** The ratio may not be under the bar, or not over it. */
  sense: Schema.Literals(["atLeast", "atMost"]),
  ok: Schema.Boolean
})
export interface Bar extends Schema.Schema.Type<typeof Bar> {}

/** Where it was measured and with what. */
export const Machine = Schema.Struct({
  processor: Schema.String,
  cores: Schema.Int,
  memoryBytes: Schema.Finite,
  system: Schema.String,
  versions: Schema.Record(Schema.String, Schema.String)
})

/** One suite's results. */
export const Result = Schema.Struct({
  suite: Schema.String,
  title: Schema.String,
  /** What was compared and how, for the reader of the report. */
  method: Schema.String,
  /** ISO 8601. */
  measuredAt: Schema.String,
  seconds: Schema.Finite,
  /** A run that only shows that the suite runs: its numbers say nothing. */
  smoke: Schema.Boolean,
  machine: Machine,
  rows: Schema.Array(Row),
  bars: Schema.Array(Bar)
})
export interface Result extends Schema.Schema.Type<typeof Result> {}
