/** A workspace that has one of everything, and short ways to use it. */
import type {
  FeaturesReply,
  IngestReply,
  IngestRecord,
  RequestOptions,
  Service
} from "@effect-connectors/tecton/TectonApi"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import type { TectonError } from "@effect-connectors/tecton/TectonError"
import { TectonMemory, TectonWorkspace } from "@effect-connectors/testkit"
import { assert } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"

export const definition = TectonWorkspace.make({
  entities: { user: { user_id: "string" }, shop: { shop_id: "int64" } },
  sources: {
    clicks: {
      schema: {
        user_id: "string",
        shop_id: "int64",
        at: "timestamp",
        clicked: "int64",
        price: "float64",
        page: "string",
        weight: "float32"
      },
      timestamp: "at"
    },
    profiles: {
      schema: {
        user_id: "string",
        at: "timestamp",
        country: "string",
        age: "int64",
        tags: "array<string>",
        spot: "struct<lat: float64, name: string>",
        counts: "map<string, int64>",
        seen: "timestamp",
        vip: "boolean"
      },
      timestamp: "at"
    },
    lonely: { schema: { id: "string", at: "timestamp" }, timestamp: "at" }
  },
  views: {
    user_clicks: {
      type: "aggregate",
      source: "clicks",
      entities: ["user"],
      features: {
        sum_1h: { function: "sum", column: "clicked", window: "1 hour" },
        count_1h: { function: "count", column: "clicked", window: "1 hour" },
        count_1d: { function: "count", column: "clicked", window: "1 day" },
        mean_1h: { function: "mean", column: "clicked", window: "1 hour" },
        spent_1h: { function: "sum", column: "price", window: "1 hour" },
        least_1h: { function: "min", column: "page", window: "1 hour" },
        most_1h: { function: "max", column: "clicked", window: "1 hour" },
        last_2: { function: "last_n", n: 2, column: "page", window: "1 day" }
      },
      about: { sum_1h: { description: "clicks", tags: { team: "fraud" } } }
    },
    shop_clicks: {
      type: "aggregate",
      source: "clicks",
      entities: ["user", "shop"],
      onlineServingIndex: ["user_id"],
      features: { count_1h: { function: "count", column: "clicked", window: "1 hour" } }
    },
    tiled: {
      type: "aggregate",
      source: "clicks",
      entities: ["user"],
      interval: "5 minutes",
      features: { sum_10m: { function: "sum", column: "clicked", window: "10 minutes" } }
    },
    profile: {
      type: "attribute",
      source: "profiles",
      entities: ["user"],
      features: ["vip", "country", "age", "tags", "spot", "counts", "seen"],
      ttl: "30 days"
    },
    payment: {
      type: "realtime",
      requestContext: { amount: "float64", big: "int64" },
      features: { big: "int64", amount: "float64" }
    },
    computed: {
      type: "realtime",
      requestContext: { amount: "float64" },
      features: { isLarge: "boolean" },
      compute: ({ requestContext: { amount = null } }) => ({ isLarge: typeof amount === "number" && amount > 100 })
    }
  },
  services: {
    all: { features: ["user_clicks", "profile", "payment", "computed"] },
    clicks: { features: ["user_clicks"] },
    tiled: { features: ["tiled"] },
    profile: { features: ["profile"] },
    country: { features: ["profile.country"] },
    payment: { features: ["payment"] },
    shops: { features: ["shop_clicks", "profile.country"] }
  }
})

/** When the clock of every test starts: a Monday, in the middle of an interval of five minutes. */
export const start = Date.parse("2026-01-05T10:02:00Z")

/** Runs `body` on a workspace of its own, at {@link start}. */
export const withTecton = <A, E>(
  body: (tecton: Service) => Effect.Effect<A, E>,
  options: Partial<TectonMemory.Options> = {}
) =>
  TestClock.setTime(start).pipe(
    Effect.andThen(Effect.flatMap(TectonClient, body)),
    Effect.provide(TectonMemory.layerWith({ definition, ...options }))
  )

/** Ingests records of one source. */
export const ingest = (
  tecton: Service,
  source: string,
  records: ReadonlyArray<IngestRecord>,
  dryRun = false
): Effect.Effect<IngestReply, TectonError> => {
  const encoded = records.map((record) => Result.getOrThrow(tecton.encode(record)))
  return Arr.isReadonlyArrayNonEmpty(encoded)
    ? tecton.ingest({ records: new Map([[source, encoded]]), dryRun })
    : Effect.die("no records")
}

/** The features of a user by their names; those of a service without a request context. */
export const featuresOf = (tecton: Service, service: string, user_id: string | null, requestOptions?: RequestOptions) =>
  Effect.map(tecton.getFeatures({ service, joinKeys: { user_id }, include, requestOptions }), byName)

export const include = { names: true, dataTypes: true, effectiveTimes: true, servingStatus: true } as const

/** The values of a reply's only row. */
export const byName = ({ columns, rows }: FeaturesReply): Record<string, unknown> =>
  Object.fromEntries(columns.map(({ name = "" }, at) => [name, rows[0]?.values[at]]))

export const effectiveTimes = ({ columns }: FeaturesReply): Record<string, string | undefined> =>
  Object.fromEntries(columns.map(({ effectiveTime, name = "" }) => [name, effectiveTime?.toString()]))

/** A time in seconds from {@link start}. */
export const at = (seconds: number): string => new Date(start + seconds * 1000).toISOString()

/** An event of the user `u` with its time in seconds from {@link start}. */
export const click = (seconds: number, fields: IngestRecord = {}): IngestRecord => ({
  user_id: "u",
  shop_id: 1,
  at: at(seconds),
  clicked: 1,
  ...fields
})

/** Asserts the reason that a call fails with. */
export const fails = <A>(call: Effect.Effect<A, TectonError>, expected: object, text = "") =>
  Effect.map(Effect.flip(call), ({ reason }) => {
    assert.deepInclude(reason, expected)
    assert.include(reason.message, text)
  })
