/**
 * What a Tecton workspace holds: its entities, stream sources, feature views and feature services. It is a plain value,
 * and the same value as JSON or YAML; `TectonMemory` and `TectonEmulator` serve it.
 *
 * Names are resolved when it is made: an entity, a source or a column that is not there, or is of another type, is
 * told then.
 *
 * @example
 * ```ts
 * import { TectonWorkspace } from "@effect-connectors/testkit"
 *
 * const workspace = TectonWorkspace.make({
 *   entities: { user: { user_id: "string" } },
 *   sources: {
 *     clicks: {
 *       schema: { user_id: "string", timestamp: "timestamp", page: "string", clicked: "int64" },
 *       timestamp: "timestamp"
 *     }
 *   },
 *   views: {
 *     last_click: { type: "attribute", source: "clicks", entities: ["user"], features: ["page"], ttl: "30 days" },
 *     user_clicks: {
 *       type: "aggregate",
 *       source: "clicks",
 *       entities: ["user"],
 *       features: {
 *         sum_1h: { function: "sum", column: "clicked", window: "1 hour" },
 *         last_pages: { function: "last_n", n: 3, column: "page", window: "1 day" }
 *       }
 *     },
 *     payment: { type: "realtime", requestContext: { amount: "float64" }, features: { amount: "float64" } }
 *   },
 *   services: { fraud: { features: ["last_click", "user_clicks", "payment"] } }
 * })
 * ```
 */
import type { DataType, Field } from "@effect-connectors/tecton/DataType"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { compile } from "./internal/features/compile.ts"
import type * as D from "./internal/features/definition.ts"
import { Time } from "./internal/features/time.ts"

export type {
  About,
  AggregateView,
  Aggregation,
  AttributeView,
  FeatureService,
  RealtimeInput,
  RealtimeView,
  Source,
  TypeInput,
  Types,
  View
} from "./internal/features/definition.ts"

const NamedType: Schema.Codec<Field> = Schema.Struct({
  name: Schema.String,
  dataType: Schema.suspend(() => TypeValue)
})

/** A type as a value. A type that is not known can be declared by no workspace. */
const TypeValue: Schema.Codec<DataType> = Schema.Union([
  Schema.Struct({ type: Schema.Literals(["boolean", "int64", "float32", "float64", "string", "timestamp"]) }),
  Schema.Struct({ type: Schema.Literal("array"), elementType: Schema.suspend(() => TypeValue) }),
  Schema.Struct({ type: Schema.Literal("map"), valueType: Schema.suspend(() => TypeValue) }),
  Schema.Struct({ type: Schema.Literal("struct"), fields: Schema.Array(NamedType) })
])

const Types: Schema.Codec<D.Types> = Schema.Record(Schema.String, Schema.Union([Schema.String, TypeValue]))

const Source: Schema.Codec<D.Source> = Schema.Struct({ schema: Types, timestamp: Schema.String })

const About: Schema.Codec<D.About> = Schema.Struct({
  description: Schema.optional(Schema.String),
  tags: Schema.optional(Schema.Record(Schema.String, Schema.String))
})

const about = Schema.optional(Schema.Record(Schema.String, About))

const stored = {
  source: Schema.String,
  entities: Schema.NonEmptyArray(Schema.String),
  onlineServingIndex: Schema.optional(Schema.NonEmptyArray(Schema.String)),
  about
}

const ofColumn = <const Name extends string>(name: Name) =>
  Schema.Struct({ function: Schema.Literal(name), column: Schema.String, window: Time })

const Aggregation: Schema.Codec<D.Aggregation> = Schema.Union([
  ofColumn("count"),
  ofColumn("sum"),
  ofColumn("mean"),
  ofColumn("min"),
  ofColumn("max"),
  Schema.Struct({
    function: Schema.Literal("last_n"),
    n: Schema.Int.check(Schema.isGreaterThan(0)),
    column: Schema.String,
    window: Time
  })
])

type Compute = NonNullable<D.RealtimeView["compute"]>

const Compute: Schema.Codec<Compute> = Schema.declare((u: unknown): u is Compute => typeof u === "function", {
  expected: "a function; a file can have none"
})

const View: Schema.Codec<D.View> = Schema.Union([
  Schema.Struct({
    type: Schema.Literal("attribute"),
    ...stored,
    features: Schema.NonEmptyArray(Schema.String),
    ttl: Schema.optional(Time)
  }),
  Schema.Struct({
    type: Schema.Literal("aggregate"),
    ...stored,
    features: Schema.Record(Schema.String, Aggregation),
    interval: Schema.optional(Time)
  }),
  Schema.Struct({
    type: Schema.Literal("realtime"),
    requestContext: Types,
    features: Types,
    compute: Schema.optional(Compute),
    about
  })
])

const named = <A>(part: Schema.Codec<A>) => Schema.optional(Schema.Record(Schema.String, part))

const Structure: Schema.Codec<D.TectonWorkspace> = Schema.Struct({
  live: Schema.optional(Schema.Boolean),
  entities: named(Types),
  sources: named(Source),
  views: named(View),
  services: named(Schema.Struct({ features: Schema.NonEmptyArray(Schema.String) }))
})

/** What one workspace holds. */
export type TectonWorkspace = D.TectonWorkspace

/** Schema of {@link TectonWorkspace}, whose encoded form is the same value. */
export const TectonWorkspace: Schema.Codec<D.TectonWorkspace> = Structure.check(
  Schema.makeFilter((workspace) =>
    Result.match(compile(workspace), { onSuccess: () => undefined, onFailure: (issue) => issue })
  )
)

const options = { onExcessProperty: "error" } as const

const decodeSync = Schema.decodeUnknownSync(TectonWorkspace, options)

/** Throws a `SchemaError` that says what is wrong: that is a mistake of the program. */
export const make = (definition: TectonWorkspace): TectonWorkspace => decodeSync(definition)

/** Reads a definition from outside, for instance from a file, or says what is wrong with it. */
export const decode: (definition: unknown) => Result.Result<TectonWorkspace, Schema.SchemaError> =
  Schema.decodeUnknownResult(TectonWorkspace, options)

/**
 * A small workspace to try things with: clicks of users are ingested into the source `clicks`, and the feature service
 * `fraud` tells of a user, by `user_id`, the newest country and plan (`user_profile`) and what was clicked
 * (`user_clicks`).
 */
export const sample: TectonWorkspace = make({
  entities: { user: { user_id: "string" } },
  sources: {
    clicks: {
      schema: { user_id: "string", timestamp: "timestamp", page: "string", clicked: "int64" },
      timestamp: "timestamp"
    },
    profiles: {
      schema: { user_id: "string", timestamp: "timestamp", country: "string", plan: "string" },
      timestamp: "timestamp"
    }
  },
  views: {
    user_clicks: {
      type: "aggregate",
      source: "clicks",
      entities: ["user"],
      features: {
        clicked_sum_1h: { function: "sum", column: "clicked", window: "1 hour" },
        count_1d: { function: "count", column: "clicked", window: "1 day" },
        last_pages_1d: { function: "last_n", n: 3, column: "page", window: "1 day" }
      }
    },
    user_profile: {
      type: "attribute",
      source: "profiles",
      entities: ["user"],
      features: ["country", "plan"],
      ttl: "365 days"
    }
  },
  services: { fraud: { features: ["user_clicks", "user_profile"] } }
})
