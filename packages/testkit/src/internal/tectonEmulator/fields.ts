/**
 * Fields of a request, by their names in camel case: as in protobuf's JSON each name may also be in snake case, even in
 * one body. The keys of what a request carries (join keys, records) are left as they are.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { bad, type Refusal } from "../features/refusal.ts"

export type Fields = ReadonlyMap<string, unknown>

const camelCase = (name: string): string => name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  Predicate.isReadonlyObject(value) && !Array.isArray(value)

const objectOf = (name: string, value: unknown): Result.Result<{ readonly [name: string]: unknown }, Refusal> =>
  value === undefined || value === null
    ? Result.succeed({})
    : isObject(value)
      ? Result.succeed(value)
      : Result.fail(bad(`${name} has to be an object`))

/** The fields of an object; none of null, or of nothing. */
export const fieldsOf = (name: string, value: unknown): Result.Result<Fields, Refusal> =>
  Result.map(
    objectOf(name, value),
    (object) => new Map(Object.entries(object).map(([key, field]) => [camelCase(key), field]))
  )

/** The entries of an object whose keys are data. */
export const entriesOf = (name: string, value: unknown): Result.Result<Fields, Refusal> =>
  Result.map(objectOf(name, value), (object) => new Map(Object.entries(object)))

/** Text, or `""`. */
export const textOf = (value: unknown): string => (typeof value === "string" ? value : "")
