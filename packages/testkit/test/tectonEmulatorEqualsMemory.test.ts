/** Any sequence of calls has the same answers in memory and from the emulator through the real client. */
import * as ExactJson from "@effect-connectors/core/ExactJson"
import type { IngestRecord, Lookup, Service } from "@effect-connectors/tecton/TectonApi"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import type { TectonError } from "@effect-connectors/tecton/TectonError"
import { TectonEmulator, TectonMemory } from "@effect-connectors/testkit"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { at, definition, start } from "./tectonSupport.ts"

const build = (from: Layer.Layer<TectonClient, TectonError>) => Effect.map(Layer.build(from), Context.get(TectonClient))

/** Limits that a few rows reach, or a long key: the server's and, over it, the client's own. */
const assumptions = { maxBatchRows: 3, maxReplyBytes: 200, maxRequestBytes: 3_000 }
const maxRequestBytes = 5_000

const inMemory: TectonMemory.Options = { definition, assumptions, maxRequestBytes, largeInt64: "string" }

/** A workspace in memory and one in an emulator; both go by the test's clock. */
const pair = (api: "v1" | "v2") =>
  Effect.gen(function* () {
    yield* TestClock.setTime(start)
    const { url } = yield* TectonEmulator.make({ workspaces: { prod: definition }, assumptions })
    const apiKey = Redacted.make("a key that is in no message".replaceAll(" ", "-"))
    return [
      yield* build(TectonMemory.layerWith(inMemory)),
      yield* build(
        TectonClient.layer({
          url,
          ingestUrl: url,
          workspace: "prod",
          apiKey,
          api,
          ingestApi: api,
          maxRequestBytes,
          largeInt64: "string"
        })
      )
    ] as const
  })

const day = 86_400
const User = Schema.Literals(["u", "v", "w"])
const Time = Schema.Literals([-31 * day, -8 * day, -day, -7_201, -3_600, -3_599, -400, -60, -1, 0, 30, 900])

/** Values of each column; those at the end of a list are wrong. */
const clicked = [1, 0, -5, 2n ** 53n + 1n, 2n ** 63n - 1n, null, undefined, "7", 1.5, "x"]
const prices = [0.1, -0, 1e300, NaN, -Infinity, null, undefined, "1", true]
const pages = ["a", "", "é😀", null, undefined, 5, "x".repeat(8_000)]
const shops = [1, 20, "3", null, undefined]
const spots = [{ lat: 1.5, name: "x" }, { name: null }, {}, null, { lon: 1 }, [1, "x"]]
const lists = [["a", null], [], null, ["a", 1], "a"]
const maps = [{ a: 1, b: null }, {}, { c: 2n ** 62n }, { a: "x" }]

/** One of a list: the early ones are more likely than the late ones, which are wrong. */
const one = (length: number) =>
  Schema.Literals(Arr.makeBy(length * 3, (n) => n)).annotate({ description: `one of ${length}` })
const pick = <A>(values: ReadonlyArray<A>, n: number): A | undefined =>
  values[n < values.length ? n : n % Math.ceil(values.length / 2)]

const Click = Schema.Struct({
  user: User,
  seconds: Time,
  shop: one(shops.length),
  clicked: one(clicked.length),
  price: one(prices.length),
  page: one(pages.length)
})
const Profile = Schema.Struct({
  user: User,
  seconds: Time,
  country: one(pages.length),
  age: one(clicked.length),
  spot: one(spots.length),
  tags: one(lists.length),
  counts: one(maps.length)
})

const toClick = (it: typeof Click.Type): IngestRecord => ({
  user_id: it.user,
  at: at(it.seconds),
  shop_id: pick(shops, it.shop),
  clicked: pick(clicked, it.clicked),
  price: pick(prices, it.price),
  page: pick(pages, it.page)
})
const toProfile = (it: typeof Profile.Type): IngestRecord => ({
  user_id: it.user,
  at: at(it.seconds),
  country: pick(pages, it.country),
  age: pick(clicked, it.age),
  spot: pick(spots, it.spot),
  tags: pick(lists, it.tags),
  counts: pick(maps, it.counts)
})

const lookups: ReadonlyArray<Lookup> = [
  { joinKeys: { user_id: "u" } },
  { joinKeys: { user_id: "v" } },
  { joinKeys: { user_id: "w" }, requestContext: { amount: 1.5, big: 2n ** 63n - 1n } },
  { joinKeys: { user_id: "u" }, requestContext: { amount: 500, big: null } },
  { joinKeys: { user_id: "u" }, requestContext: { amount: NaN, big: 7 } },
  { joinKeys: { user_id: null }, requestContext: { amount: -0, big: 1n } },
  { requestContext: { amount: -Infinity, big: -1n } },
  { joinKeys: { user_id: "u", extra: 1 } },
  { joinKeys: { user_id: "" } },
  { joinKeys: { user_id: 1.5 } },
  { joinKeys: { user_id: "x".repeat(3_500) } },
  { joinKeys: { user_id: "é".repeat(4_000) } },
  { joinKeys: {}, requestContext: { amount: "many", big: 1n } }
]
const contexts = [
  { amount: 1.5, big: 2n ** 63n - 1n },
  { amount: -Infinity, big: null },
  { amount: NaN, big: 7 }
]
/** Two of three lookups are what the service wants. */
const lookupOf = (service: string, n: number): Lookup => {
  if (n % 3 === 0) return lookups[n / 3] ?? {}
  const context = contexts[n % contexts.length]
  const requestContext = service === "payment" || service === "all" ? { requestContext: context } : {}
  return service === "payment"
    ? { joinKeys: {}, ...requestContext }
    : { joinKeys: { user_id: ["u", "v", "w", null][n % 4] }, ...requestContext }
}

const requestOptions = [
  undefined,
  { coerceNullCountsToZero: true },
  { ignoreExtraRequestContextFields: true },
  { aggregationLeadingEdge: "LATEST_EVENT_TIME" },
  { highWatermarkOverride: at(-3_000) },
  { highWatermarkOverride: "then" },
  { latencyBudgetMs: 100 }
]

const Include = Schema.Struct({
  names: Schema.Boolean,
  dataTypes: Schema.Boolean,
  effectiveTimes: Schema.Boolean,
  servingStatus: Schema.Boolean,
  sloInfo: Schema.Boolean,
  descriptions: Schema.Boolean,
  tags: Schema.Boolean
})
const services = ["all", "clicks", "tiled", "profile", "country", "payment", "shops", "nowhere", ""] as const
const asked = {
  service: Schema.Literals(services),
  include: Include,
  options: one(requestOptions.length),
  partial: Schema.Boolean
}

const Step = Schema.Union([
  Schema.TaggedStruct("Clicks", {
    records: Schema.NonEmptyArray(Click).check(Schema.isMaxLength(3)),
    dryRun: Schema.Boolean
  }),
  Schema.TaggedStruct("Profiles", { records: Schema.NonEmptyArray(Profile).check(Schema.isMaxLength(3)) }),
  Schema.TaggedStruct("Both", { click: Click, profile: Profile }),
  Schema.TaggedStruct("Lonely", { source: Schema.Literals(["lonely", "nowhere"]), dryRun: Schema.Boolean }),
  Schema.TaggedStruct("Read", { ...asked, lookup: one(lookups.length) }),
  Schema.TaggedStruct("Read", { ...asked, lookup: one(lookups.length) }),
  Schema.TaggedStruct("Batch", {
    ...asked,
    lookups: Schema.NonEmptyArray(one(lookups.length)).check(Schema.isMaxLength(5))
  }),
  Schema.TaggedStruct("Query", { ...asked, lookup: one(lookups.length) }),
  Schema.TaggedStruct("Metadata", { service: Schema.Literals(services) }),
  Schema.TaggedStruct("Wait", { seconds: Schema.Literals([1, 60, 3_600, day]) })
])
type Step = typeof Step.Type

const ingest = (
  tecton: Service,
  sources: ReadonlyArray<readonly [string, Arr.NonEmptyReadonlyArray<IngestRecord>]>,
  dryRun = false
) =>
  tecton.ingest({
    records: new Map(
      sources.map(([source, records]) => [
        source,
        Arr.map(records, (record) => Result.getOrThrow(tecton.encode(record)))
      ])
    ),
    dryRun
  })

/** Carries out a step in one of the two. Time is moved by the caller. */
const perform = (tecton: Service, step: Step): Effect.Effect<unknown, TectonError> => {
  switch (step._tag) {
    case "Clicks":
      return ingest(tecton, [["clicks", Arr.map(step.records, toClick)]], step.dryRun)
    case "Profiles":
      return ingest(tecton, [["profiles", Arr.map(step.records, toProfile)]])
    case "Both":
      return ingest(tecton, [
        ["profiles", [toProfile(step.profile)]],
        ["clicks", [toClick(step.click)]]
      ])
    case "Lonely":
      return ingest(tecton, [[step.source, [{ id: "a", at: at(0) }]]], step.dryRun)
    case "Read":
      return tecton.getFeatures({ ...requestOf(step), ...lookupOf(step.service, step.lookup) })
    case "Query":
      return tecton.queryFeatures({ ...requestOf(step), ...lookupOf(step.service, step.lookup) })
    case "Batch":
      return tecton.getFeaturesBatch({
        ...requestOf(step),
        lookups: Arr.map(step.lookups, (lookup) => lookupOf(step.service, lookup))
      })
    case "Metadata":
      return tecton.metadata({ service: step.service })
    case "Wait":
      return Effect.void
  }
}

const requestOf = ({
  include,
  options,
  partial,
  service
}: Extract<Step, { readonly _tag: "Read" }> | Extract<Step, { readonly _tag: "Batch" | "Query" }>) => ({
  service,
  include,
  requestOptions: pick(requestOptions, options),
  allowPartialResults: partial
})

interface Told {
  readonly value?: unknown
  readonly reason?: string | undefined
  readonly message?: string | undefined
}

/** All that a program can tell of an answer, as plain data. */
const told = (answer: Effect.Effect<unknown, TectonError>): Effect.Effect<Told> =>
  Effect.match(answer, {
    onSuccess: (value) => ({ value: JSON.parse(ExactJson.stringify(value)) }),
    onFailure: ({ message, operation, reason, subject }) => ({
      reason: reason._tag,
      message,
      operation,
      subject,
      wire: "wire" in reason ? { ...reason.wire } : undefined
    })
  })

/** Names are in the path of the second API and not in its bodies, so those are shorter than the memory layer's. */
const unsized = ({ message, ...rest }: Told): Told =>
  message === undefined ? rest : { ...rest, message: message.replaceAll(/(has|got) \d+/g, "$1 some") }

const Steps = Schema.Array(Step).check(Schema.isBetweenLength(5, 20))

describe("the emulator and the memory layer", () => {
  it.effect.prop(
    "give the same answers to any sequence of calls",
    { api: Schema.Literals(["v1", "v2"]), steps: Steps },
    ({ api, steps }) =>
      Effect.gen(function* () {
        const [memory, emulated] = yield* pair(api)
        const seen = api === "v1" ? (answer: Told) => answer : unsized
        for (const step of steps) {
          if (step._tag === "Wait") yield* TestClock.adjust(step.seconds * 1_000)
          const expected = seen(yield* told(perform(memory, step)))
          assert.deepStrictEqual(seen(yield* told(perform(emulated, step))), expected, step._tag)
        }
      }).pipe(Effect.scoped),
    { timeout: 60_000, arbitrary: { runs: 300, size: 50 } }
  )

  it.effect("are asked for everything that way, and say yes and no to it", () =>
    Effect.gen(function* () {
      const answers = new Map<string, number>()
      const count = (kind: string) => answers.set(kind, (answers.get(kind) ?? 0) + 1)
      for (const steps of yield* Arbitrary.sampleEffect(Arbitrary.schema(Steps), { count: 300, size: 50, seed: 7 })) {
        yield* TestClock.setTime(start)
        const memory = yield* build(TectonMemory.layerWith(inMemory))
        for (const step of steps) {
          if (step._tag === "Wait") yield* TestClock.adjust(step.seconds * 1_000)
          const { message = "", reason } = yield* told(perform(memory, step))
          count(`${step._tag} ${reason === undefined ? "answered" : "refused"}`)
          count(`${step._tag} ${reason}`)
          if (message.includes("A batch has at most")) count("too many rows")
          if (message.includes("A request has at most")) count("too long for the server")
        }
      }
      for (const kind of ["Clicks", "Profiles", "Both", "Lonely", "Read", "Batch", "Query", "Metadata"]) {
        assert.isAbove(answers.get(`${kind} answered`) ?? 0, 20, kind)
        assert.isAbove(answers.get(`${kind} refused`) ?? 0, 20, kind)
      }
      for (const kind of ["Read", "Batch", "Query", "Metadata"]) {
        assert.isAbove(answers.get(`${kind} InvalidOption`) ?? 0, 5, `${kind} of no service`)
      }
      for (const kind of ["Clicks", "Read", "Batch", "Query"]) {
        assert.isAbove(answers.get(`${kind} RequestTooLarge`) ?? 0, 5, `${kind} that is too large`)
      }
      assert.isAbove(answers.get("too many rows") ?? 0, 5)
      assert.isAbove(answers.get("too long for the server") ?? 0, 5)
    }).pipe(Effect.scoped)
  )

  const lookup = { joinKeys: { user_id: "é" }, requestContext: { amount: NaN, big: 2n ** 62n, left: undefined } }
  const asked = {
    service: "all",
    include: { names: true, tags: true, dataTypes: false },
    requestOptions: { coerceNullCountsToZero: true, ignoreExtraRequestContextFields: true },
    allowPartialResults: true
  }
  const calls: ReadonlyArray<readonly [string, (tecton: Service) => Effect.Effect<unknown, TectonError>]> = [
    ["a read", (tecton) => tecton.getFeatures({ ...asked, ...lookup })],
    ["a batch", (tecton) => tecton.getFeaturesBatch({ ...asked, lookups: [lookup, lookup] })],
    ["a query", (tecton) => tecton.queryFeatures({ service: "shops", joinKeys: { user_id: "u" } })],
    ["metadata", (tecton) => tecton.metadata({ service: "all" })],
    ["an ingest", (tecton) => ingest(tecton, [["clicks", [{ page: "é" }, { page: "u" }]]])],
    ["a dry run", (tecton) => ingest(tecton, [["clicks", [{ page: "é" }]]], true)]
  ]

  it.effect.each(calls)("measure %s to the byte as it is sent", ([, call]) =>
    Effect.gen(function* () {
      let sent: unknown
      const fetch: typeof globalThis.fetch = (_, init) => {
        sent = init?.body
        return Promise.reject(new Error("nobody is there"))
      }
      const url = "http://127.0.0.1:9"
      const apiKey = Redacted.make("test-key")
      yield* Effect.exit(
        call(yield* build(TectonClient.layer({ url, ingestUrl: url, workspace: "prod", apiKey, fetch })))
      )
      const bytes = new TextEncoder().encode(String(sent)).byteLength
      const reasonWith = (limit: number) =>
        Effect.flatMap(build(TectonMemory.layerWith({ definition, maxRequestBytes: limit })), (tecton) =>
          Effect.map(told(call(tecton)), ({ message, reason }) => ({ message, reason }))
        )
      assert.notStrictEqual((yield* reasonWith(bytes)).reason, "RequestTooLarge")
      const { message, reason } = yield* reasonWith(bytes - 1)
      assert.strictEqual(reason, "RequestTooLarge")
      assert.include(message, `it has ${bytes} bytes`)
    }).pipe(Effect.scoped)
  )
})
