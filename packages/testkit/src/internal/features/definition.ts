/** The types of a workspace's definition; `TectonWorkspace` explains and checks them. */
import type { DataType } from "@effect-connectors/tecton/DataType"
import type { FeatureValue } from "@effect-connectors/tecton/FeatureValue"
import type * as Duration from "effect/Duration"

/** A type as text, like `"array<struct<a: int64>>"`, or as a value of `DataType`. */
export type TypeInput = string | DataType

/** Names with their types, in order. */
export interface Types {
  readonly [name: string]: TypeInput
}

/** A stream source, whose records are ingested. */
export interface Source {
  readonly schema: Types
  /** The column that holds the time of the event. */
  readonly timestamp: string
}

/** What is told of a feature beside its value. */
export interface About {
  readonly description?: string | undefined
  readonly tags?: { readonly [tag: string]: string } | undefined
}

interface StoredView {
  /** The stream source whose records it holds. */
  readonly source: string
  /** Its join keys are those of these entities, in this order; they are columns of the source. */
  readonly entities: ReadonlyArray<string>
  /**
   * The join keys that are given when it is read, where others are left open. It makes every service with this view a
   * wildcard service.
   *
   * @default all of them
   */
  readonly onlineServingIndex?: ReadonlyArray<string> | undefined
  readonly about?: { readonly [feature: string]: About } | undefined
}

/** Columns of the newest record of each key. */
export interface AttributeView extends StoredView {
  readonly type: "attribute"
  /** Columns of the source. */
  readonly features: ReadonlyArray<string>
  /**
   * How long after its event a value is served. Events older than that can not be ingested.
   *
   * @default for ever
   */
  readonly ttl?: Duration.Input | undefined
}

/** One value computed of the events of a window. */
export type Aggregation =
  | {
      readonly function: "count" | "sum" | "mean" | "min" | "max"
      /** Of the source; nulls in it do not count. */
      readonly column: string
      /** How far it reaches back. */
      readonly window: Duration.Input
    }
  | {
      /** The newest `n` values, from the oldest to the newest. */
      readonly function: "last_n"
      readonly n: number
      readonly column: string
      readonly window: Duration.Input
    }

/** Aggregations of the events of each key. */
export interface AggregateView extends StoredView {
  readonly type: "aggregate"
  readonly features: { readonly [name: string]: Aggregation }
  /**
   * Windows begin and end at multiples of it, and are multiples of it.
   *
   * @default they move with each nanosecond: continuous aggregation
   */
  readonly interval?: Duration.Input | undefined
}

/** What a realtime view computes with. */
export interface RealtimeInput {
  readonly requestContext: { readonly [key: string]: FeatureValue }
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Features computed when they are asked for. */
export interface RealtimeView {
  readonly type: "realtime"
  readonly requestContext: Types
  readonly features: Types
  /**
   * The features of a request. Only in code: a file has none.
   *
   * @default each feature is the request context's value of the same name
   */
  readonly compute?: ((input: RealtimeInput) => { readonly [feature: string]: FeatureValue }) | undefined
  readonly about?: { readonly [feature: string]: About } | undefined
}

export type View = AttributeView | AggregateView | RealtimeView

/** Features that are read together. */
export interface FeatureService {
  /** Views, and single features as `view.feature`. Their order does not matter. */
  readonly features: ReadonlyArray<string>
}

/** What one workspace holds. */
export interface TectonWorkspace {
  /** Only a live workspace can be read and written. @default true */
  readonly live?: boolean | undefined
  /** The join keys of each entity, of type string or int64. */
  readonly entities?: { readonly [entity: string]: Types } | undefined
  readonly sources?: { readonly [source: string]: Source } | undefined
  readonly views?: { readonly [view: string]: View } | undefined
  readonly services?: { readonly [service: string]: FeatureService } | undefined
}
