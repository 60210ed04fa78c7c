/**
 * Metadata filters, compiled once a request into a predicate.
 *
 * A list of strings matches a comparison when any of its elements does, and `$ne`/`$nin` are the exact opposites
 * of `$eq`/`$in`. Not documented by the service and decided here: a record without the field matches `$ne` and
 * `$nin`; `$and` and `$or` need at least one filter; `{}` matches everything (deletes refuse it, as documented).
 */
import type { Metadata, MetadataValue } from "@effect-connectors/pinecone/VectorRecord"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { print, type Refusal, refused } from "./refusals.ts"

/** Does a record match, by its metadata? */
export type Matches = (metadata: Metadata | undefined) => boolean

type Compiled<A> = Result.Result<A, Refusal>

/** The value of a field, `undefined` when the record does not have it. */
type Test = (value: MetadataValue | undefined) => boolean

type Scalar = string | number | boolean

/** What is filtered, where that is more than metadata. */
export interface Subject<S> {
  readonly metadata: (subject: S) => Metadata | undefined
  /** What an operator means on a field that is no metadata; `undefined` where it is metadata. */
  readonly special: (field: string, operator: string, operand: unknown) => Compiled<(subject: S) => boolean> | undefined
}

/** Compiles a filter, or says what is wrong with it. `maxValues` bounds `$in` and `$nin`. */
export const compile = (filter: unknown, maxValues: number): Compiled<Matches> =>
  compileFor<Metadata | undefined>(filter, maxValues, ofMetadata)

const ofMetadata: Subject<Metadata | undefined> = { metadata: (metadata) => metadata, special: () => undefined }

/** The same of something else. */
export const compileFor = <S>(
  filter: unknown,
  maxValues: number,
  subject: Subject<S>
): Compiled<(subject: S) => boolean> => {
  if (!Predicate.isReadonlyObject(filter))
    return Result.fail(refused(`A filter must be an object, got ${print(filter)}`))
  const list = (operator: string, operand: unknown): Compiled<ReadonlyArray<(subject: S) => boolean>> =>
    Array.isArray(operand) && operand.length > 0
      ? Result.all(operand.map((filter) => compileFor(filter, maxValues, subject)))
      : Result.fail(refused(`${operator} must be a list of at least one filter, got ${print(operand)}`))
  const parts = Object.entries(filter).map(([key, operand]): Compiled<(subject: S) => boolean> => {
    switch (key) {
      case "$and":
        return Result.map(list(key, operand), (all) => (subject) => all.every((f) => f(subject)))
      case "$or":
        return Result.map(list(key, operand), (any) => (subject) => any.some((f) => f(subject)))
      case "$not":
        return Result.map(compileFor(operand, maxValues, subject), (f) => (subject) => !f(subject))
      default:
        return key.startsWith("$") ? Result.fail(unknownOperator(key)) : compileField(key, operand, maxValues, subject)
    }
  })
  return Result.map(Result.all(parts), every)
}

/** Is there nothing in the filter, so that it would match everything? */
export const isEmpty = (filter: unknown): boolean =>
  Predicate.isReadonlyObject(filter) && Object.keys(filter).length === 0

const compileField = <S>(
  field: string,
  condition: unknown,
  maxValues: number,
  { metadata, special }: Subject<S>
): Compiled<(subject: S) => boolean> => {
  const operators = isScalar(condition) ? { $eq: condition } : condition
  if (!Predicate.isReadonlyObject(operators) || Object.keys(operators).length === 0) {
    return Result.fail(
      refused(`The condition on field '${field}' must be a value or an object of operators, got ${print(condition)}`)
    )
  }
  const tests = Object.entries(operators).map(
    ([operator, operand]) =>
      special(field, operator, operand) ??
      Result.map(
        compileOperator(field, operator, operand, maxValues),
        (test) => (subject: S) => test(valueOf(metadata(subject), field))
      )
  )
  return Result.map(Result.all(tests), every)
}

const compileOperator = (field: string, operator: string, operand: unknown, maxValues: number): Compiled<Test> => {
  const wrong = (expected: string) =>
    Result.fail(refused(`${operator} on field '${field}' needs ${expected}, got ${print(operand)}`))
  switch (operator) {
    case "$eq":
      return isScalar(operand) ? Result.succeed((value) => equals(value, operand)) : wrong(scalar)
    case "$ne":
      return isScalar(operand) ? Result.succeed((value) => !equals(value, operand)) : wrong(scalar)
    case "$gt":
      return isNumber(operand) ? Result.succeed((value) => isNumber(value) && value > operand) : wrong("a number")
    case "$gte":
      return isNumber(operand) ? Result.succeed((value) => isNumber(value) && value >= operand) : wrong("a number")
    case "$lt":
      return isNumber(operand) ? Result.succeed((value) => isNumber(value) && value < operand) : wrong("a number")
    case "$lte":
      return isNumber(operand) ? Result.succeed((value) => isNumber(value) && value <= operand) : wrong("a number")
    case "$exists":
      return typeof operand === "boolean"
        ? Result.succeed((value) => (value !== undefined) === operand)
        : wrong("true or false")
    case "$in":
    case "$nin": {
      if (!Array.isArray(operand) || !operand.every(isScalar)) return wrong(`a list of values, each ${scalar}`)
      if (operand.length > maxValues) {
        return Result.fail(
          refused(`${operator} on field '${field}' has ${operand.length} values, at most ${maxValues}`)
        )
      }
      const set = new Set<MetadataValue>(operand)
      const wanted = operator === "$in"
      return Result.succeed((value) => isIn(value, set) === wanted)
    }
    default:
      return Result.fail(unknownOperator(operator))
  }
}

const scalar = "a string, a number or a boolean"

const equals = (value: MetadataValue | undefined, wanted: Scalar): boolean =>
  value === wanted || (Array.isArray(value) && value.includes(wanted))

const isIn = (value: MetadataValue | undefined, set: ReadonlySet<MetadataValue>): boolean =>
  value !== undefined && (Array.isArray(value) ? value.some((item) => set.has(item)) : set.has(value))

/** Own fields only: a field may be called `constructor`. */
const valueOf = (metadata: Metadata | undefined, field: string): MetadataValue | undefined =>
  metadata !== undefined && Object.hasOwn(metadata, field) ? metadata[field] : undefined

const every = <A>(tests: ReadonlyArray<(value: A) => boolean>): ((value: A) => boolean) =>
  tests.length === 1 ? tests[0]! : (value) => tests.every((test) => test(value))

const isNumber = (value: unknown): value is number => Number.isFinite(value)

const isScalar = (value: unknown): value is Scalar =>
  typeof value === "string" || typeof value === "boolean" || isNumber(value)

const unknownOperator = (operator: string): Refusal => refused(`${operator} is not a valid operator`)
