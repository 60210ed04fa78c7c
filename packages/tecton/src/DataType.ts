/**
 * The types that Tecton's features have. Its replies name them, and only with them can a value be read: an int64 comes
 * as text, as a string does, and a struct as a list, as an array does.
 */
import * as Predicate from "effect/Predicate"

/** The type of a feature, a join key or a field of the request context. */
export type DataType =
  | { readonly type: "boolean" | "int64" | "float32" | "float64" | "string" | "timestamp" }
  | { readonly type: "array"; readonly elementType: DataType }
  | { readonly type: "struct"; readonly fields: ReadonlyArray<Field> }
  | { readonly type: "map"; readonly valueType: DataType }
  /** A type this version does not know; its values can not be read. */
  | { readonly type: "unsupported"; readonly name: string }

/** A named part of a struct, or any name with its type. */
export interface Field {
  readonly name: string
  readonly dataType: DataType
}

export const boolean: DataType = { type: "boolean" }
export const int64: DataType = { type: "int64" }
export const float32: DataType = { type: "float32" }
export const float64: DataType = { type: "float64" }
export const string: DataType = { type: "string" }
export const timestamp: DataType = { type: "timestamp" }

export const array = (elementType: DataType): DataType => ({ type: "array", elementType })

/** A struct of these fields, in this order: it is the order of its values on the wire. */
export const struct = (fields: Readonly<Record<string, DataType>>): DataType => ({
  type: "struct",
  fields: Object.entries(fields).map(([name, dataType]) => ({ name, dataType }))
})

/** A map; its keys are strings. */
export const map = (valueType: DataType): DataType => ({ type: "map", valueType })

const unsupported = (name: string): DataType => ({ type: "unsupported", name })

/**
 * The type as people write it.
 *
 * @example
 * ```ts
 * import { DataType } from "@effect-connectors/tecton"
 *
 * DataType.format(DataType.array(DataType.struct({ id: DataType.int64 }))) // array<struct<id: int64>>
 * ```
 */
export const format = (dataType: DataType): string => {
  switch (dataType.type) {
    case "array":
      return `array<${format(dataType.elementType)}>`
    case "struct":
      return `struct<${dataType.fields.map(({ dataType, name }) => `${name}: ${format(dataType)}`).join(", ")}>`
    case "map":
      return `map<string, ${format(dataType.valueType)}>`
    case "unsupported":
      return dataType.name
    default:
      return dataType.type
  }
}

/** Are the types the same, names and order of struct fields included? */
export const equals = (a: DataType, b: DataType): boolean => format(a) === format(b)

/** Levels of nesting that are read: as many as protobuf's own JSON reader takes. */
export const maxDepth = 100

/** Reads a type as replies have it. Never fails: what is not known is `unsupported`. */
export const fromWire = (wire: unknown, levels = maxDepth): DataType => {
  if (!Predicate.isReadonlyObject(wire) || !Predicate.isString(wire["type"]))
    return unsupported("a type without a name")
  const { type } = wire
  if (levels === 0) return unsupported("a type nested too deeply")
  switch (type) {
    case "boolean":
      return boolean
    case "int64":
      return int64
    case "float32":
      return float32
    case "float64":
      return float64
    case "string":
      return string
    case "timestamp":
      return timestamp
    case "array":
      return array(fromWire(wire["elementType"], levels - 1))
    // The name of arrays of strings before types could be nested.
    case "string_array":
      return array(string)
    case "map":
      return map(fromWire(wire["valueType"], levels - 1))
    case "struct": {
      const fields: ReadonlyArray<unknown> = Array.isArray(wire["fields"]) ? wire["fields"] : []
      return {
        type,
        fields: fields.map((field) =>
          Predicate.isReadonlyObject(field) && Predicate.isString(field["name"])
            ? { name: field["name"], dataType: fromWire(field["dataType"], levels - 1) }
            : { name: "", dataType: unsupported("a field without a name") }
        )
      }
    }
    default:
      return unsupported(type)
  }
}

/** Writes a type as replies have it. */
export const toWire = (dataType: DataType): unknown => {
  switch (dataType.type) {
    case "array":
      return { type: "array", elementType: toWire(dataType.elementType) }
    case "struct":
      return {
        type: "struct",
        fields: dataType.fields.map(({ dataType, name }) => ({ name, dataType: toWire(dataType) }))
      }
    case "map":
      return { type: "map", keyType: { type: "string" }, valueType: toWire(dataType.valueType) }
    case "unsupported":
      return { type: dataType.name }
    default:
      return { type: dataType.type }
  }
}
