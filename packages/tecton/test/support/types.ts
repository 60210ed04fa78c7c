/** Types and values of Tecton, at random. */
import type { DataType } from "@effect-connectors/tecton/DataType"
import type { FeatureValue } from "@effect-connectors/tecton/FeatureValue"
import { Timestamp } from "@effect-connectors/tecton/Timestamp"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"

interface Nested {
  readonly type: "array" | "map" | "struct"
  readonly parts: ReadonlyArray<Nested | Leaf>
}

const leaves = ["boolean", "int64", "float32", "float64", "string", "timestamp"] as const
type Leaf = (typeof leaves)[number]

const Tree: Schema.Codec<Nested | Leaf> = Schema.Union([
  Schema.Literals(leaves),
  Schema.Struct({
    type: Schema.Literals(["array", "map", "struct"]),
    parts: Schema.Array(Schema.suspend(() => Tree)).check(Schema.isMaxLength(4))
  })
])

/** Names of struct fields that have tripped readers of objects. */
const names = ["id", "__proto__", "constructor", "a b"]

const toType = (tree: Nested | Leaf): DataType => {
  if (typeof tree === "string") return { type: tree }
  const [first = "int64"] = tree.parts
  switch (tree.type) {
    case "array":
      return { type: "array", elementType: toType(first) }
    case "map":
      return { type: "map", valueType: toType(first) }
    case "struct":
      return { type: "struct", fields: tree.parts.map((part, i) => ({ name: names[i]!, dataType: toType(part) })) }
  }
}

export const types: Arbitrary.Arbitrary<DataType> = Arbitrary.map(Arbitrary.schema(Tree), toType)

const chance = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })))

/** One of the values that are easily got wrong, or any. */
const oneOf = <A>(edges: ReadonlyArray<A>, any: Arbitrary.Arbitrary<A>): Arbitrary.Arbitrary<A> =>
  Arbitrary.flatMap(chance, (n) => (n < 5 ? Arbitrary.Constant<A>(edges[n % edges.length]!) : any))

const int64 = oneOf(
  [9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n, 9_007_199_254_740_993n, 0n, -1n],
  Arbitrary.map(Arbitrary.schema(Schema.BigInt), (n) => BigInt.asIntN(64, n))
)
const float = oneOf([NaN, Infinity, -Infinity, 0, 5e-324], Arbitrary.schema(Schema.Number))
const text = oneOf(["", "NaN", "123", "null", "\ud83d\ude00"], Arbitrary.schema(Schema.String))

/** Nanoseconds of the years 1 to 9999. */
const nanos = oneOf(
  [0n, -1n, 1_700_000_000_123_456_789n, -62_135_596_800_000_000_000n, 253_402_300_799_999_999_999n],
  Arbitrary.map(int64, (n) => n)
)

const leafOf: { readonly [type in Leaf]: Arbitrary.Arbitrary<FeatureValue> } = {
  boolean: Arbitrary.schema(Schema.Boolean),
  int64,
  float32: Arbitrary.map(float, Math.fround),
  float64: float,
  string: text,
  timestamp: Arbitrary.map(nanos, (epochNanoseconds) => new Timestamp({ epochNanoseconds }))
}

/** A value of a type; one in ten is null. */
export const valuesOf = (dataType: DataType): Arbitrary.Arbitrary<FeatureValue> =>
  Arbitrary.flatMap(chance, (n) => (n === 9 ? Arbitrary.Constant<FeatureValue>(null) : given(dataType)))

const given = (dataType: DataType): Arbitrary.Arbitrary<FeatureValue> => {
  switch (dataType.type) {
    case "array":
      return Arbitrary.array(valuesOf(dataType.elementType), { maxLength: 4 })
    case "map":
      return Arbitrary.map(
        Arbitrary.array(Arbitrary.all([text, valuesOf(dataType.valueType)]), { maxLength: 4 }),
        (entries): FeatureValue => Object.fromEntries(entries)
      )
    case "struct":
      return Arbitrary.map(
        Arbitrary.all(dataType.fields.map((field) => valuesOf(field.dataType))),
        (values): FeatureValue => Object.fromEntries(dataType.fields.map(({ name }, i) => [name, values[i]!]))
      )
    case "unsupported":
      return Arbitrary.Constant<FeatureValue>(null)
    default:
      return leafOf[dataType.type]
  }
}

/** A type with a value of it. */
export const typed: Arbitrary.Arbitrary<readonly [DataType, FeatureValue]> = Arbitrary.flatMap(types, (dataType) =>
  Arbitrary.map(valuesOf(dataType), (value) => [dataType, value] as const)
)
