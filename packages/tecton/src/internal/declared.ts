/** The type that a schema of a feature, a join key or a context field declares, to compare with what Tecton has. */
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as DataType from "../DataType.ts"

/** What fits every type: a schema that says nothing that could be compared. */
const anything: DataType.DataType = { type: "unsupported", name: "anything" }

/**
 * The type of what a schema decodes. A schema of numbers is `float64` and fits both kinds of float; one that can not be
 * compared fits everything.
 */
export const declaredBy = (schema: Schema.Constraint): DataType.DataType => typeOf(SchemaAST.toEncoded(schema.ast))

const typeOf = (ast: SchemaAST.AST): DataType.DataType => {
  switch (ast._tag) {
    case "String":
    case "TemplateLiteral":
      return DataType.string
    case "BigInt":
      return DataType.int64
    case "Number":
      return DataType.float64
    case "Boolean":
      return DataType.boolean
    case "Literal":
      return ofLiteral[typeof ast.literal] ?? anything
    case "Declaration":
      return ofDeclaration.get(ast.annotations?.["tectonType"]) ?? anything
    case "Arrays": {
      const [element, ...others] = ast.rest
      return element !== undefined && others.length === 0 && ast.elements.length === 0
        ? DataType.array(typeOf(element))
        : anything
    }
    case "Objects": {
      const [index, ...others] = ast.indexSignatures
      if (index === undefined) {
        const fields = ast.propertySignatures.map(({ name, type }) => ({ name: String(name), dataType: typeOf(type) }))
        return { type: "struct", fields }
      }
      return others.length === 0 && ast.propertySignatures.length === 0 ? DataType.map(typeOf(index.type)) : anything
    }
    case "Union": {
      const [first, ...others] = ast.types.filter(({ _tag }) => _tag !== "Null" && _tag !== "Undefined").map(typeOf)
      return first !== undefined && others.every((other) => DataType.equals(first, other)) ? first : anything
    }
    default:
      return anything
  }
}

const ofDeclaration: ReadonlyMap<unknown, DataType.DataType> = new Map([
  ["timestamp", DataType.timestamp],
  ["floats", DataType.array(DataType.float64)]
])

const ofLiteral: Readonly<Record<string, DataType.DataType>> = {
  string: DataType.string,
  number: DataType.float64,
  bigint: DataType.int64,
  boolean: DataType.boolean
}

/** Can keys of a type be written by a schema that declares the other? A number is a whole one there. */
export const fitsKey = (declared: DataType.DataType, found: DataType.DataType): boolean =>
  fits(declared, found) || (declared.type === "float64" && found.type === "int64")

/** Can values of a type be decoded by a schema that declares the other? The order of struct fields does not matter. */
export const fits = (declared: DataType.DataType, found: DataType.DataType): boolean => {
  if (declared === anything) return true
  if (declared.type === "array" && found.type === "array") return fits(declared.elementType, found.elementType)
  if (declared.type === "map" && found.type === "map") return fits(declared.valueType, found.valueType)
  if (declared.type === "struct" && found.type === "struct") {
    const types = new Map(found.fields.map(({ dataType, name }) => [name, dataType]))
    return declared.fields.every(({ dataType, name }) => {
      const type = types.get(name)
      return type !== undefined && fits(dataType, type)
    })
  }
  return declared.type === found.type || (declared.type === "float64" && found.type === "float32")
}
