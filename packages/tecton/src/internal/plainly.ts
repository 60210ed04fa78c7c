/**
 * Checks for schemas that change nothing: a value is the same on both sides, and a look tells whether it is right. The
 * schema itself is asked when it is not, to say what is wrong.
 */
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import type { DataType } from "../DataType.ts"
import { setField } from "./record.ts"
import { isNumbers } from "./values.ts"
import { Timestamp } from "../Timestamp.ts"

/** Is this what the schema says, and as the schema would give it? */
export type Check = (value: unknown) => boolean

/** It has no checks, transforms nothing and may not be left out. */
const isBare = ({ checks, context, encoding }: SchemaAST.AST): boolean =>
  checks === undefined && encoding === undefined && context === undefined

/** The check of a schema's type, unless only the schema can tell. */
export const checkOf = (ast: SchemaAST.AST): Check | undefined => {
  if (!isBare(ast)) return undefined
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

/** Is a value that was read by this type, and is not null, as the schema would give it, whatever it is? */
export const isSettled = (ast: SchemaAST.AST, dataType: DataType): boolean => {
  if (ast._tag === "Union") return checkOf(ast) !== undefined && ast.types.some((type) => isSettled(type, dataType))
  if (!isBare(ast)) return false
  switch (dataType.type) {
    case "string":
      return ast._tag === "String"
    case "int64":
      return ast._tag === "BigInt"
    case "float32":
    case "float64":
      return ast._tag === "Number"
    case "boolean":
      return ast._tag === "Boolean"
    default:
      return false
  }
}

/**
 * The fields that a struct of such schemas makes of a value, or `undefined` when something is wrong with one. Only the
 * schema can tell of a struct with other fields, with some that may be left out, or with checks of its own.
 */
export const fieldsOf = <A, I>(schema: Schema.Codec<A, I>): ((value: A) => I | undefined) | undefined => {
  const { ast } = schema
  if (ast._tag !== "Objects" || !isBare(ast) || ast.indexSignatures.length > 0) return undefined
  const checks: Array<readonly [name: string, check: Check]> = []
  for (const { name, type } of ast.propertySignatures) {
    const check = checkOf(type)
    if (check === undefined || typeof name !== "string") return undefined
    checks.push([name, check])
  }
  const isRight = (fields: { readonly [name: string]: unknown }): fields is I & typeof fields =>
    checks.every(([name, check]) => check(fields[name]))
  return (value) => {
    if (!Predicate.isReadonlyObject(value)) return undefined
    const fields: { [name: string]: unknown } = {}
    for (const [name] of checks) if (Object.hasOwn(value, name)) setField(fields, name, value[name])
    return isRight(fields) ? fields : undefined
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
