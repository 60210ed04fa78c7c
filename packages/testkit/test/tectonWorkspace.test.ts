/** Definitions of workspaces: what fits together, and what is said of what does not. */
import * as DataType from "@effect-connectors/tecton/DataType"
import { TectonMemory, TectonWorkspace } from "@effect-connectors/testkit"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { parse } from "../src/internal/features/typeText.ts"
import { definition } from "./tectonSupport.ts"

const types: ReadonlyArray<DataType.DataType> = [
  DataType.boolean,
  DataType.int64,
  DataType.float32,
  DataType.timestamp,
  DataType.array(DataType.array(DataType.string)),
  DataType.map(DataType.struct({ a: DataType.int64, b_c: DataType.map(DataType.float64) })),
  DataType.array(DataType.struct({ x: DataType.array(DataType.int64) }))
]

describe("types as text", () => {
  it.each(types)("are what `format` writes: %j", (type) => {
    assert.deepStrictEqual(parse(DataType.format(type)), type)
  })

  it("need no spaces", () => {
    assert.deepStrictEqual(
      parse("array<struct<a:int64,b:map<string,string>>>"),
      parse("array < struct<a : int64, b: map<string, string>> >")
    )
  })

  it.each([
    "",
    "int",
    "int32",
    "int64 int64",
    "int 64",
    "array",
    "array<>",
    "array<int64",
    "array<int64>>",
    "array<int64;>",
    "list<int64>",
    "map<int64>",
    "map<int64, string>",
    "struct<>",
    "struct<a>",
    "struct<a: int64, a: string>",
    "struct<a: int64,>",
    `${"array<".repeat(200)}int64${">".repeat(200)}`
  ])("are none: %s", (text) => {
    assert.isUndefined(parse(text))
  })
})

/** What is wrong with a part of a definition that is good otherwise. */
const base = {
  entities: { user: { user_id: "string" } },
  sources: {
    s: { schema: { user_id: "string", at: "timestamp", n: "int64", text: "string" }, timestamp: "at" }
  }
}
const view = { type: "attribute", source: "s", entities: ["user"], features: ["n"] }
const aggregate = (features: object, more: object = {}) => ({
  views: { v: { type: "aggregate", source: "s", entities: ["user"], features, ...more } }
})

const wrong: ReadonlyArray<readonly [object, string]> = [
  [{ liev: true }, "liev"],
  [{ entities: { user: { user_id: "strin" } } }, `entity user.user_id has the type "strin", which is none`],
  [{ entities: { user: { user_id: "float64" } } }, "a join key is a string or an int64"],
  [{ entities: { "a.b": {} } }, `the name "a.b" is none`],
  [{ sources: JSON.parse(`{"__proto__":{"schema":{},"timestamp":"at"}}`) }, `the name "__proto__" is none`],
  [{ sources: { s: { schema: { at: "string" }, timestamp: "at" } } }, 'no column "at" of type timestamp'],
  [{ views: { v: { ...view, source: "t" } } }, `view v reads the source "t", which is not defined`],
  [{ views: { v: { ...view, entities: ["shop"] } } }, `view v is of the entity "shop", which is not defined`],
  [{ views: { v: { ...view, features: ["m"] } } }, `view v uses the column "m", which source s does not have`],
  [{ views: { v: { ...view, ttl: "0 days" } } }, "a time above zero"],
  [{ views: { v: { ...view, ttl: "soon" } } }, "a time above zero"],
  [{ views: { v: { ...view, onlineServingIndex: ["x"] } } }, "no such join key"],
  [{ views: { v: { ...view, type: "batch" } } }, `"type": "attribute", ... } | `],
  [{ entities: { user: { user_id: "int64" } }, views: { v: view } }, "of type int64, and in source s of type string"],
  [aggregate({ f: { function: "median", column: "n", window: "1 hour" } }), `"function": "last_n", ... }`],
  [aggregate({ f: { function: "last_n", column: "n", window: "1 hour" } }), "n"],
  [aggregate({ f: { function: "sum", column: "text", window: "1 hour" } }), "is the sum of a column of type string"],
  [aggregate({ f: { function: "sum", column: "m", window: "1 hour" } }), `uses the column "m"`],
  [aggregate({ f: { function: "sum", column: "n", window: "7 minutes" } }, { interval: "5 minutes" }), "no multiple"],
  [
    { views: { r: { type: "realtime", requestContext: { a: "int64" }, features: { a: "string" } } } },
    "give the view a `compute`"
  ],
  [{ views: { r: { type: "realtime", requestContext: {}, features: {}, compute: "x" } } }, "a file can have none"],
  [{ services: { f: { features: ["v"] } } }, `service f has the view "v", which is not defined`],
  [{ views: { v: view }, services: { f: { features: ["v.m"] } } }, `service f has the feature "v.m"`],
  [{ views: { v: view }, services: { f: { features: [] } } }, "services"]
]

describe("a definition", () => {
  it("is the same value as JSON", () => {
    const { views: { computed: _computed, ...views } = {}, ...rest } = definition
    const plain = { ...rest, views, services: { tiled: { features: ["tiled"] } } }
    const text = JSON.stringify(plain)
    assert.deepStrictEqual(Result.getOrThrow(TectonWorkspace.decode(JSON.parse(text))), JSON.parse(text))
    assert.deepStrictEqual(Schema.encodeSync(TectonWorkspace.TectonWorkspace)(plain), JSON.parse(text))
  })

  it("takes types as values", () => {
    const schema = {
      id: "string",
      at: DataType.timestamp,
      list: DataType.array(DataType.struct({ m: DataType.map(DataType.int64) }))
    }
    const made = TectonWorkspace.make({ sources: { s: { schema, timestamp: "at" } } })
    assert.deepStrictEqual(made.sources?.["s"]?.schema, schema)
  })

  it.each(wrong)("is refused: %j", (part, text) => {
    const decoded = TectonWorkspace.decode({ ...base, ...part })
    assert.include(Result.isFailure(decoded) ? decoded.failure.message : "it was taken", text)
  })

  it("has views that agree on the types of keys and on what they leave open", () => {
    const entities = { a: { k: "string", x: "string", y: "string" }, b: { k: "int64" } }
    const schema = { k: "string", x: "string", y: "string", at: "timestamp" }
    const sources = {
      s: { schema, timestamp: "at" },
      t: { schema: { ...schema, k: "int64" }, timestamp: "at" }
    }
    const of = (source: string, entity: string, open?: ReadonlyArray<string>) => ({
      type: "attribute" as const,
      source,
      entities: [entity],
      features: ["x"],
      ...(open === undefined ? {} : { onlineServingIndex: open })
    })
    const services = { f: { features: ["v", "w"] } }
    const failureOf = (views: object) => {
      const decoded = TectonWorkspace.decode({ entities, sources, views, services })
      return Result.isFailure(decoded) ? decoded.failure.message : "it was taken"
    }
    assert.include(failureOf({ v: of("s", "a"), w: of("t", "b") }), "have k as string and int64")
    assert.include(failureOf({ v: of("s", "a", ["x"]), w: of("s", "a", ["y"]) }), "leave different join keys open")
  })

  it("throws what is wrong with it, in code", () => {
    assert.throws(() => TectonWorkspace.make({ services: { f: { features: ["v"] } } }), /which is not defined/)
  })

  it.effect("that was not made kills the memory layer", () =>
    Effect.gen(function* () {
      const layer = TectonMemory.layerWith({ definition: { services: { f: { features: ["v"] } } } })
      const exit = yield* Effect.exit(Effect.scoped(Layer.build(layer)))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
    })
  )
})
