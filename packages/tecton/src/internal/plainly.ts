/**
 * Checks for schemas that change nothing: a value is the same on both sides, and a look tells whether it is right. The
 * schema itself is asked when it is not, to say what is wrong.
 */
import * as SchemaAST from "effect/SchemaAST"
import { isNumbers } from "./values.ts"
import { Timestamp } from "../Timestamp.ts"

/** Is this what the schema says, and as the schema would give it? */
export type Check = (value: unknown) => boolean

/** The check of a schema's type, unless only the schema can tell. */
export const checkOf = (ast: SchemaAST.AST): Check | undefined => {
  if (ast.checks !== undefined || ast.encoding !== undefined || ast.context !== undefined) return undefined
  switch (ast._tag) {
    case "String":
      return (value) => typeof value === "string"
    case "Number":
      return (value) => typeof value === "number"
    case "BigInt":
      return (value) => typeof value === "bigint"
    case "Boolean":
      return (value) => typeof value === "boolean"
    case "Null":
      return (value) => value === null
    case "Declaration":
      return ofDeclaration.get(ast.annotations?.["tectonType"])
    case "Arrays": {
      const [rest, ...others] = ast.rest
      const element = rest === undefined || others.length + ast.elements.length > 0 ? undefined : checkOf(rest)
      return element === undefined ? undefined : (value) => Array.isArray(value) && every(value, element)
    }
    case "Union": {
      if (ast.options?.mode === "oneOf") return undefined
      const checks = ast.types.map(checkOf)
      return checks.every((check) => check !== undefined) ? (value) => checks.some((check) => check(value)) : undefined
    }
    default:
      return undefined
  }
}

const every = (values: ReadonlyArray<unknown>, check: Check): boolean => {
  for (let i = 0; i < values.length; i++) if (!check(values[i])) return false
  return true
}

const ofDeclaration: ReadonlyMap<unknown, Check> = new Map<unknown, Check>([
  ["timestamp", (value) => value instanceof Timestamp],
  ["floats", isNumbers]
])
