/** A workspace as the store uses it: types read, names resolved, features in the order of vectors. */
import type { DataType, Field } from "@effect-connectors/tecton/DataType"
import type { About, Aggregation, RealtimeView } from "./definition.ts"

/** One feature of a view. */
export interface Feature {
  /** Without the view's name. */
  readonly name: string
  readonly dataType: DataType
  readonly about: About | undefined
}

export interface SourceModel {
  readonly name: string
  readonly columns: ReadonlyMap<string, DataType>
  readonly timestamp: string
}

interface StoredModel {
  readonly name: string
  readonly source: string
  readonly joinKeys: ReadonlyArray<Field>
  /** Those of the join keys that are left open. */
  readonly wildcards: ReadonlyArray<Field>
}

export interface AttributeModel extends StoredModel {
  readonly type: "attribute"
  /** Each is the column of its name. */
  readonly features: ReadonlyArray<Feature>
  /** In nanoseconds, as all times here. */
  readonly ttl: bigint | undefined
}

export interface AggregateFeature extends Feature {
  readonly aggregation: Aggregation
  readonly columnType: DataType
  readonly window: bigint
}

export interface AggregateModel extends StoredModel {
  readonly type: "aggregate"
  readonly features: ReadonlyArray<AggregateFeature>
  readonly interval: bigint | undefined
}

export interface RealtimeModel {
  readonly type: "realtime"
  readonly name: string
  readonly requestContext: ReadonlyArray<Field>
  readonly features: ReadonlyArray<Feature>
  readonly compute: RealtimeView["compute"]
}

export type ViewModel = AttributeModel | AggregateModel | RealtimeModel

/** A place in a service's vectors. */
export interface Place {
  /** `view.feature` */
  readonly name: string
  readonly view: ViewModel
  /** The feature's place in the view. */
  readonly at: number
  readonly feature: Feature
}

export interface ServiceModel {
  readonly name: string
  readonly type: "DEFAULT" | "WILDCARD"
  /** The join keys to be given, and those it gives. */
  readonly joinKeys: ReadonlyArray<Field>
  readonly wildcards: ReadonlyArray<Field>
  readonly requestContext: ReadonlyArray<Field>
  /** In the order of vectors. */
  readonly places: ReadonlyArray<Place>
}

export interface WorkspaceModel {
  readonly live: boolean
  readonly sources: ReadonlyMap<string, SourceModel>
  readonly views: ReadonlyMap<string, ViewModel>
  readonly services: ReadonlyMap<string, ServiceModel>
}
